import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../../src/consensus/digest.ts'
import { intentMessage } from '../../src/consensus/intent.ts'
import {
  certificateMessage,
  consensusTransactionMessage,
  transactionDigest,
  transactionMessage
} from '../../src/consensus/transaction.ts'

const chain = new Uint8Array(32).fill(1)
const sender = new Uint8Array(32).fill(2)
const payload = Uint8Array.of(1, 2, 3)

describe('a user transaction', () => {
  it('is named by sender and payload', () => {
    assert.deepEqual(transactionDigest(sender, payload), digestOf('transaction', sender, payload))
  })

  it('is signed over its payload by the sender', () => {
    assert.deepEqual(transactionMessage(chain, payload), intentMessage('transaction', chain, payload))
  })

  it('is certified over epoch and digest', () => {
    const digest = transactionDigest(sender, payload)
    const epoch = Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 2)
    assert.deepEqual(certificateMessage(chain, 258, digest), intentMessage('certificate', chain, epoch, digest))
  })
})

describe('a consensus transaction', () => {
  it('is one thing only', () => {
    const endOfPublish = { epoch: 1, author: 2 }
    const encoded = consensusTransactionMessage.encode({ certified: undefined, endOfPublish })
    assert.deepEqual(consensusTransactionMessage.decode(encoded), { certified: undefined, endOfPublish })
    assert.throws(() => consensusTransactionMessage.decode(new Uint8Array(0)), { code: 'WIRE_MISSING_FIELD' })
  })
})
