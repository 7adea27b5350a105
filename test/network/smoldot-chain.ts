import { chainSpec } from '@polkadot-api/known-chains/paseo'
import { blake2b256 } from '../../src/consensus/digest.ts'
import { fromHex, toHex } from '../../src/runtime/hex.ts'

interface ChainSpec {
  bootNodes: string[]
  telemetryEndpoints: unknown
  readonly genesis: { readonly stateRootHash: string }
}

/** Root of a trie without entries: a genesis block has no transactions. */
const EMPTY_TRIE_ROOT = fromHex('03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314')

const spec: ChainSpec = JSON.parse(chainSpec)

/** The name that smoldot's Kademlia protocol has on the chain: its genesis header, digested, says which chain it is. */
export const SMOLDOT_KAD_PROTOCOL: string = (() => {
  const stateRoot = fromHex(spec.genesis.stateRootHash.slice('0x'.length))
  const parentAndNumber = new Uint8Array(32 + 1)
  const noDigest = new Uint8Array(1)
  return `/${toHex(blake2b256(parentAndNumber, stateRoot, EMPTY_TRIE_ROOT, noDigest))}/kad`
})()

/** A chain that smoldot knows, with nobody to begin with but the nodes given. */
export function chainSpecWith(bootNodes: readonly string[]): string {
  return JSON.stringify({ ...spec, bootNodes, telemetryEndpoints: null })
}
