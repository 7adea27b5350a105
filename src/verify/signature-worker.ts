import { parentPort } from 'node:worker_threads'
import { blsVerifyEach } from './bls.ts'
import { unpackBlsChecks } from './bls-batch.ts'
import { verifyBatch } from './signature-batch.ts'

/** A batch for a worker. A slot is a place for one batch under way. */
export type SignatureWorkerRequest =
  | {
      readonly kind: 'ed25519'
      readonly slot: number
      readonly count: number
      /** The slot's memory from now on; left out while it stays the same. */
      readonly memory: SharedArrayBuffer | undefined
    }
  | {
      readonly kind: 'bls'
      readonly slot: number
      /** See `packBlsChecks`. */
      readonly packed: Uint8Array<ArrayBuffer>
    }

/** The answer to a batch; the results of Ed25519 checks are in the slot's memory. */
export interface SignatureWorkerResponse {
  readonly slot: number
  readonly results: readonly boolean[] | undefined
}

const port = parentPort
if (port === null) throw new Error('signature-worker runs as a worker thread only')
const memories: SharedArrayBuffer[] = []

port.on('message', (request: SignatureWorkerRequest) => {
  const { slot } = request
  if (request.kind === 'bls') {
    const results = blsVerifyEach(unpackBlsChecks(request.packed))
    port.postMessage({ slot, results } satisfies SignatureWorkerResponse)
    return
  }
  if (request.memory !== undefined) memories[slot] = request.memory
  const memory = memories[slot]
  if (memory === undefined) throw new Error(`no memory for slot ${slot}`)
  verifyBatch(memory, request.count)
  port.postMessage({ slot, results: undefined } satisfies SignatureWorkerResponse)
})
