import { type Block, blockMessage } from '../consensus/block.ts'
import type { Digest } from '../consensus/digest.ts'
import { intentMessage } from '../consensus/intent.ts'
import { decodeSignedBlock, type SignedBlock } from '../consensus/signed-block.ts'
import { ed25519Sign } from '../verify/ed25519.ts'
import type { ValidatorKeys } from './validator-keys.ts'

/**
 * Signs a block, whatever it says: nothing but its form is checked.
 *
 * @param keys whose protocol key signs; the author's for an honest block
 * @throws {RangeError} when a value does not fit its field
 * @throws {ConsensusError} `BLOCK_TOO_LARGE`
 */
export function signBlock(keys: ValidatorKeys, chainId: Digest, block: Block): SignedBlock {
  const payload = blockMessage.encode(block)
  const signature = ed25519Sign(keys.protocolSeed, intentMessage('block', chainId, payload))
  const bytes = new Uint8Array(signature.byteLength + payload.byteLength)
  bytes.set(signature)
  bytes.set(payload, signature.byteLength)
  return decodeSignedBlock(bytes)
}
