import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { intentPrefix } from '../src/consensus/intent.ts'
import { blockPayload, blockSignature } from '../src/consensus/signed-block.ts'
import { acquireSignaturePool, openLevelStore, type SignatureCheck, YAMUX_STREAM_OPTIONS } from '../src/index.ts'
import { ScriptedConsensus, storeWriteOf } from '../src/testing/index.ts'
import type { BenchChain } from './bench-chain.ts'
import { startChild } from './child.ts'

/** Commits that the limits are measured on: enough to last some seconds, few enough to hold in memory. */
const SAMPLE_COMMITS = 1_000

function sample({ genesis, keys, options }: BenchChain) {
  const consensus = new ScriptedConsensus({ genesis, keys, seed: 1, ...options })
  return Array.from({ length: SAMPLE_COMMITS }, () => consensus.nextCommit())
}

/** Ed25519 signatures of the chain's own blocks verified a second, natively, on all cores. */
export async function signatureLimit(chain: BenchChain): Promise<number> {
  const prefix = intentPrefix('block', chain.genesis.chainId)
  const checks: SignatureCheck[] = sample(chain).flatMap(({ subDag }) =>
    subDag.blocks.map(({ ref, bytes }) => ({
      publicKey: chain.genesis.committee.validators[ref.author]?.protocolKey ?? new Uint8Array(32),
      signature: blockSignature(bytes),
      prefix,
      payload: blockPayload(bytes)
    }))
  )
  const pool = await acquireSignaturePool({ workers: availableParallelism() })
  await pool.verify(checks.slice(0, 100)) // the threads are up
  const begun = performance.now()
  const batches = Array.from({ length: Math.ceil(checks.length / 256) }, (_, i) => checks.slice(i * 256, (i + 1) * 256))
  const results = await Promise.all(batches.map((batch) => pool.verify(batch)))
  const seconds = (performance.now() - begun) / 1_000
  await pool.release()
  if (results.flat().includes(false)) throw new Error('a signature of the chain does not verify')
  return checks.length / seconds
}

/** Blocks written a second, durably, in writes of 100 commits. */
export async function storeLimit(chain: BenchChain, directory: string): Promise<number> {
  const commits = sample(chain)
  const store = await openLevelStore(join(directory, `store-${process.hrtime.bigint()}`), { genesis: chain.genesis })
  const begun = performance.now()
  for (let start = 0; start < commits.length; start += 100) {
    const { commits: subDags } = storeWriteOf(commits.slice(start, start + 100))
    await store.write({ commits: subDags })
  }
  const seconds = (performance.now() - begun) / 1_000
  await store.close()
  return commits.reduce((sum, { subDag }) => sum + subDag.blocks.length, 0) / seconds
}

/** Bytes a second over one bare libp2p stream (TCP, noise, yamux) from another process. */
export async function streamLimit(): Promise<number> {
  await using child = startChild('stream-source.ts', {})
  const { address, bytes } = await child.message<{ address: string; bytes: number }>()
  const libp2p = await createLibp2p({
    privateKey: await generateKeyPair('Ed25519'),
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: YAMUX_STREAM_OPTIONS })]
  })
  const stream = await libp2p.dialProtocol(multiaddr(address), '/bench/source/1')
  const begun = performance.now()
  let received = 0
  await new Promise<void>((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => {
      received += data.byteLength
      if (received >= bytes) resolve()
    })
    stream.addEventListener('close', () => (received >= bytes ? resolve() : reject(new Error('the source broke off'))))
  })
  const seconds = (performance.now() - begun) / 1_000
  await libp2p.stop()
  return received / seconds
}
