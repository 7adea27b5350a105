import { blockMessage } from '../../../src/consensus/block.ts'
import { blockRefMessage } from '../../../src/consensus/block-ref.ts'
import { commitMessage } from '../../../src/consensus/commit.ts'
import { intentMessage } from '../../../src/consensus/intent.ts'
import { blockPayload, blockSignature, type SignedBlock } from '../../../src/consensus/signed-block.ts'
import { toHex } from '../../../src/runtime/hex.ts'
import { fieldsOf } from './fields.ts'
import { blocks, certifiers, chainId, commits, refsOf } from './fixture.ts'

export function chainVectors(): unknown {
  return {
    about:
      'A short chain on genesis.json: three rounds of blocks, two commits, and the blocks of the third round that certify the second commit. signed_message is what the author signs with its protocol key; bytes are signature and payload.',
    chain_id: toHex(chainId),
    blocks: blocks.map(blockVector),
    commits: commits.map(({ ref, commit, bytes }) => ({
      fields: fieldsOf(commitMessage, commit),
      bytes: toHex(bytes),
      digest: toHex(ref.digest)
    })),
    certifier_blocks: refsOf(certifiers).map((ref) => fieldsOf(blockRefMessage, ref))
  }
}

/** Everything about one signed block. */
export function blockVector({ ref, block, bytes }: SignedBlock): unknown {
  return {
    fields: fieldsOf(blockMessage, block),
    payload: toHex(blockPayload(bytes)),
    signed_message: toHex(intentMessage('block', chainId, blockPayload(bytes))),
    signature: toHex(blockSignature(bytes)),
    bytes: toHex(bytes),
    digest: toHex(ref.digest)
  }
}
