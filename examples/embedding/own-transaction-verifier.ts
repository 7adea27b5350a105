// Rules of one's own for the transactions in blocks: node -C source examples/embedding/own-transaction-verifier.ts
import { createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { acquireSignaturePool, createNode, type SignatureVerifier, type TransactionVerifier } from 'soma-p2p'
import { buildChain, type ScriptedContent, writeChain } from 'soma-p2p/testing'

const KEY_LENGTH = 32
const SIGNATURE_LENGTH = 64
/** The most that a payload may hold: whatever a peer sends is bounded before anything is done with it. */
const MAX_PAYLOAD_BYTES = 1_024

/** What goes before the payload where it is signed, 32 bytes: a signature made for this purpose is none for any other. */
const PURPOSE = createHash('sha256').update('own-transaction-verifier/payment/1').digest()

/**
 * A transaction is the sender's Ed25519 key, a signature, and a payload of 1 to 1,024 bytes that the sender has signed.
 *
 * Every node must come to the same verdict, at any time: it looks at the bytes and at the committee, never at a clock or a state.
 */
function signedPayments(signatures: SignatureVerifier): TransactionVerifier {
  return {
    async verify(transactions, _committee, { signal } = {}) {
      const overhead = KEY_LENGTH + SIGNATURE_LENGTH
      const outOfForm = transactions.findIndex(
        ({ byteLength }) => byteLength <= overhead || byteLength > overhead + MAX_PAYLOAD_BYTES
      )
      if (outOfForm !== -1) return { index: outOfForm, reason: 'is too short or too long' }
      const checks = transactions.map((bytes) => ({
        publicKey: bytes.subarray(0, KEY_LENGTH),
        signature: bytes.subarray(KEY_LENGTH, overhead),
        prefix: PURPOSE,
        payload: bytes.subarray(overhead)
      }))
      const results = await signatures.verify(checks, { signal }) // all of a block at once, on the threads of the process
      const forged = results.indexOf(false)
      return forged === -1 ? undefined : { index: forged, reason: 'is not signed by its sender' }
    }
  }
}

const { privateKey } = generateKeyPairSync('ed25519')
const sender = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-KEY_LENGTH)

function payment(text: string): Uint8Array {
  const payload = Buffer.from(text)
  return Buffer.concat([sender, sign(null, Buffer.concat([PURPOSE, payload]), privateKey), payload])
}

const honest: ScriptedContent = ({ round, author }) => [
  payment(`payment 1 of ${round}/${author}`),
  payment('payment 2')
]

/** The same, but that a quorum certifies a block whose payment nobody has signed. */
const forging: ScriptedContent = (place) => {
  const payments = honest(place)
  if (place.round === 30 && place.author === 0) payments[1]?.fill(0, KEY_LENGTH, KEY_LENGTH + SIGNATURE_LENGTH)
  return payments
}

const signatures = acquireSignaturePool({ workers: 2 })
await follow('honest', honest)
await follow('forging', forging)
await signatures.release()

/** Has a node sync a chain of 100 commits, and says how far it came and why no further. */
async function follow(name: string, content: ScriptedContent): Promise<void> {
  const { genesis, commits } = buildChain({ commits: 100, content })
  const peer = await createNode({ genesis })
  await writeChain(peer.store, commits)
  await peer.start()
  const node = await createNode({ genesis, seeds: peer.addresses(), transactionVerifier: signedPayments(signatures) })
  await node.start()
  let sync = (await node.status()).health['state-sync']
  while (node.store.watermarks.highestSynced.index < commits.length && sync?.state !== 'failed') {
    await sleep(20)
    sync = (await node.status()).health['state-sync']
  }
  const reached = node.store.watermarks.highestSynced.index
  if (sync?.state === 'failed') console.log(`${name} chain: stopped at commit ${reached}, ${sync.reason}`)
  else console.log(`${name} chain: synced to commit ${reached}`)
  await node.stop()
  await peer.stop()
}
