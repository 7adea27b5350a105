import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { packBlsChecks } from './bls-batch.ts'
import type { BlsCheck } from './bls-verifier.ts'
import { readResults, writeBatch } from './signature-batch.ts'
import type { SignatureBatch } from './signature-queue.ts'
import type { SignatureCheck } from './signature-verifier.ts'
import type { SignatureWorkerRequest, SignatureWorkerResponse } from './signature-worker.ts'

/** The compiler does not rewrite a path in a string: the worker's file has this one's own extension, `.ts` in src and `.js` in dist. */
const WORKER = new URL(`./signature-worker${extname(import.meta.url)}`, import.meta.url)

/** Batches that a thread has at once: one that it verifies, and one ready when it is done with that. */
export const SLOTS = 2

/** Least memory of a slot: a full batch of blocks of 4 kB fits. */
const LEAST_MEMORY = 288 * 1024

interface Slot {
  memory: SharedArrayBuffer | undefined
  batch: SignatureBatch | undefined
}

/** Starts a worker with the verifying script. */
export type StartWorker = () => Worker

export const startSignatureWorker: StartWorker = () => new Worker(WORKER, { name: 'soma-p2p signatures' })

/** What a thread tells its owner. */
export interface SignatureThreadEvents {
  /** A batch is verified and its jobs are answered. */
  onVerified(): void
  /** The thread ended by itself. Its batches are to be done again elsewhere. */
  onDied(thread: SignatureThread, error: Error, batches: SignatureBatch[]): void
}

/** One worker thread. It holds the process only while it has a batch. */
export class SignatureThread {
  readonly #worker: Worker
  readonly #events: SignatureThreadEvents
  readonly #slots: readonly Slot[] = Array.from({ length: SLOTS }, () => ({ memory: undefined, batch: undefined }))
  #isOver = false

  constructor(worker: Worker, events: SignatureThreadEvents) {
    this.#events = events
    this.#worker = worker
    this.#worker.unref()
    this.#worker.on('message', (response: SignatureWorkerResponse) => this.#take(response))
    this.#worker.on('messageerror', (error) => this.#die(error))
    this.#worker.on('error', (error) => this.#die(error))
    this.#worker.on('exit', (code) => this.#die(new Error(`a signature worker exited with code ${code}`)))
  }

  /** Batches that it has. */
  get load(): number {
    return this.#slots.reduce((load, { batch }) => load + (batch === undefined ? 0 : 1), 0)
  }

  /** Hands it a batch. It must have a free slot. */
  give(batch: SignatureBatch): void {
    const slot = this.#slots.findIndex((place) => place.batch === undefined)
    const place = this.#slots[slot]
    if (place === undefined) throw new RangeError('the thread has no free slot')
    if (this.load === 0) this.#worker.ref()
    place.batch = batch
    const request = this.#request(slot, place, batch)
    this.#worker.postMessage(request, request.kind === 'bls' ? [request.packed.buffer] : [])
  }

  /** Ends it. Batches that it has are dropped. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#worker.terminate()
  }

  #request(slot: number, place: Slot, batch: SignatureBatch): SignatureWorkerRequest {
    if (batch.kind === 'bls') return { kind: 'bls', slot, packed: packBlsChecks(batch.checks as readonly BlsCheck[]) }
    let memory: SharedArrayBuffer | undefined
    if (place.memory === undefined || place.memory.byteLength < batch.bytes) {
      memory = new SharedArrayBuffer(Math.max(LEAST_MEMORY, batch.bytes))
      place.memory = memory
    }
    writeBatch(place.memory as SharedArrayBuffer, batch.checks as readonly SignatureCheck[])
    return { kind: 'ed25519', slot, count: batch.checks.length, memory }
  }

  #take({ slot, results }: SignatureWorkerResponse): void {
    const place = this.#slots[slot]
    const batch = place?.batch
    if (this.#isOver || place === undefined || batch === undefined) return
    place.batch = undefined
    const answers = results ?? readResults(place.memory as SharedArrayBuffer, batch.items.length)
    if (this.load === 0) this.#worker.unref()
    for (const [index, item] of batch.items.entries()) item.job.answer(item.index, answers[index] === true)
    this.#events.onVerified()
  }

  #die(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    const batches = this.#slots.flatMap(({ batch }) => batch ?? [])
    this.#events.onDied(this, error, batches)
  }
}
