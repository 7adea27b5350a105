import type { RecordStore } from '../peers/peer-gate.ts'
import type { Clock } from '../runtime/clock.ts'
import { toError } from '../runtime/soma-error.ts'
import { type GoodPeer, GoodPeers, type GoodPeersInit } from './good-peers.ts'

/** The record under which the good peers are kept. */
const RECORD_NAME = 'discovery/good-peers'
/** Longest that what only changed in its times stays unwritten, in milliseconds. */
const SAVE_INTERVAL_MS = 60_000

export interface GoodPeerRecordInit extends GoodPeersInit {
  readonly records: RecordStore
  readonly clock: Clock
  /** The record could not be read or written: discovery goes on without. */
  readonly onFailure: (error: Error) => void
}

/** The memory of good peers over restarts: what {@link GoodPeers} holds, in a record of the store. */
export class GoodPeerRecord {
  readonly #init: GoodPeerRecordInit
  readonly #peers: GoodPeers
  #saved: { readonly names: string; readonly at: number } | undefined
  #saving: Promise<void> = Promise.resolve()

  constructor(init: GoodPeerRecordInit) {
    this.#init = init
    this.#peers = new GoodPeers(init)
  }

  /** Peers remembered. */
  get size(): number {
    return this.#peers.size
  }

  /** Reads what the run before has written. */
  async load(): Promise<GoodPeer[]> {
    try {
      const record = await this.#init.records.getRecord(RECORD_NAME)
      if (record !== undefined) this.#peers.decode(record)
    } catch (thrown) {
      this.#init.onFailure(toError(thrown))
    }
    return this.#peers.list()
  }

  /** Takes note of peers connected now, and writes when there is somebody new, or the last time is long ago. */
  note(peers: Iterable<GoodPeer>): void {
    this.#peers.note(peers)
    const now = this.#init.clock.monotonic()
    const isDue = this.#saved === undefined || now - this.#saved.at >= SAVE_INTERVAL_MS
    if (isDue || this.#names() !== this.#saved?.names) this.save()
  }

  /** Writes, after what is being written. */
  save(): void {
    if (this.#peers.list().length === 0) return
    this.#saved = { names: this.#names(), at: this.#init.clock.monotonic() }
    this.#saving = this.#saving.then(() => this.#write())
  }

  /** Resolves when all that was to be written is, or could not be. */
  async flush(): Promise<void> {
    await this.#saving
  }

  async #write(): Promise<void> {
    try {
      await this.#init.records.setRecord(RECORD_NAME, this.#peers.encode())
    } catch (thrown) {
      this.#init.onFailure(toError(thrown))
    }
  }

  #names(): string {
    return this.#peers
      .list()
      .map(({ peerId }) => peerId.toString())
      .sort()
      .join()
  }
}
