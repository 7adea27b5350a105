import { digestKey } from '../consensus/digest.ts'
import { type SignedBlock, trustBlock, type VerifiedBlock } from '../consensus/signed-block.ts'
import type { BlockVerifier } from '../verify/block-verifier.ts'

/** Blocks remembered, at least: those that certify a commit are in the commits of the next rounds. */
const REMEMBERED_BLOCKS = 50_000

/** Verifies no block twice within a while: a certifier is, as a rule, a block of a later commit too. A digest is that of the signature as well. */
export function rememberingVerifier(inner: BlockVerifier): BlockVerifier {
  let latest = new Set<string>()
  let earlier = new Set<string>()

  async function verifyNew(
    blocks: readonly SignedBlock[],
    verify: (blocks: readonly SignedBlock[]) => Promise<VerifiedBlock[]>
  ): Promise<VerifiedBlock[]> {
    const fresh = blocks.filter(({ ref }) => {
      const key = digestKey(ref.digest)
      return !latest.has(key) && !earlier.has(key)
    })
    if (fresh.length > 0) await verify(fresh)
    for (const { ref } of fresh) latest.add(digestKey(ref.digest))
    if (latest.size >= REMEMBERED_BLOCKS) {
      earlier = latest
      latest = new Set()
    }
    return blocks.map(trustBlock)
  }

  return {
    verify: (blocks, options) => verifyNew(blocks, (fresh) => inner.verify(fresh, options)),
    verifyCertified: (blocks, options) => verifyNew(blocks, (fresh) => inner.verifyCertified(fresh, options))
  }
}
