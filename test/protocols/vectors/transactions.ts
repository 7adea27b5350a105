import {
  type ConsensusTransaction,
  certificateMessage,
  consensusTransactionMessage,
  transactionDigest,
  transactionMessage
} from '../../../src/consensus/transaction.ts'
import { toHex } from '../../../src/runtime/hex.ts'
import { blsAggregate, blsKeyPair, blsSign } from '../../../src/verify/bls.ts'
import { ed25519PublicKey, ed25519Sign } from '../../../src/verify/ed25519.ts'
import { encodeSigners } from '../../../src/verify/signer-bitmap.ts'
import { fieldsOf, filled } from './fields.ts'
import { chainId, committee, keys } from './fixture.ts'

const EPOCH = 0
const SIGNERS = [0, 1, 3]

export function transactionVectors(): unknown {
  const senderSeed = filled(0x50)
  const sender = ed25519PublicKey(senderSeed)
  const payload = new TextEncoder().encode('pay 5 to Alice')
  const digest = transactionDigest(sender, payload)
  const signed = transactionMessage(chainId, payload)
  const certified = certificateMessage(chainId, EPOCH, digest)
  const signatures = SIGNERS.map((signer) => {
    const seed = keys[signer]?.authoritySeed
    if (seed === undefined) throw new RangeError(`no validator ${signer}`)
    return blsSign(blsKeyPair(seed).secretKey, certified)
  })
  const transaction: ConsensusTransaction = {
    certified: {
      payload,
      sender,
      senderSignature: ed25519Sign(senderSeed, signed),
      certificate: {
        epoch: EPOCH,
        aggregateSignature: blsAggregate(signatures),
        signers: encodeSigners(SIGNERS, committee)
      }
    },
    endOfPublish: undefined
  }
  const endOfPublish: ConsensusTransaction = { certified: undefined, endOfPublish: { epoch: EPOCH, author: 3 } }
  return {
    about:
      'A user transaction, certified by the validators in signers of the committee in genesis.json, and an end of publish, as entries of Block.transactions.',
    chain_id: toHex(chainId),
    certified: {
      sender_seed: toHex(senderSeed),
      digest: toHex(digest),
      sender_message: toHex(signed),
      certificate_message: toHex(certified),
      signers: SIGNERS,
      signatures: signatures.map(toHex),
      fields: fieldsOf(consensusTransactionMessage, transaction),
      bytes: toHex(consensusTransactionMessage.encode(transaction))
    },
    end_of_publish: {
      fields: fieldsOf(consensusTransactionMessage, endOfPublish),
      bytes: toHex(consensusTransactionMessage.encode(endOfPublish))
    }
  }
}
