import { message, repeated, string, submessage, uint64, type WireMessage } from '../runtime/wire-message.ts'

/** A peer that is refused until a time. */
export interface Ban {
  readonly peerId: string
  /** When it ends, in milliseconds since the Unix epoch. */
  readonly untilMs: number
  /** The code of the error that led to it. */
  readonly reason: string
}

/** The store's record that keeps bans over restarts. */
export const BANS_RECORD = 'peers/bans'
/** Most bytes of a reason: longer ones are cut. */
const MAX_REASON_BYTES = 128
/** Most bans that a record is read with: keeps it below the store's 1 MiB. */
const MAX_BANS = 4_000

const banMessage: WireMessage<Ban> = message('Ban', {
  peerId: string(1, 128),
  untilMs: uint64(2),
  reason: string(3, MAX_REASON_BYTES)
})

const banRecordMessage: WireMessage<{ readonly bans: readonly Ban[] }> = message('BanRecord', {
  bans: repeated(submessage(1, banMessage), MAX_BANS)
})

/** Bans by peer, bounded: when there are too many, the one that ends first goes. */
export class BanTable {
  readonly #capacity: number
  readonly #bans = new Map<string, Ban>()

  /** @param capacity most bans, 1 to 4,000 */
  constructor(capacity: number) {
    if (!(capacity >= 1 && capacity <= MAX_BANS)) throw new RangeError(`1 to ${MAX_BANS} bans, not ${capacity}`)
    this.#capacity = capacity
  }

  /** Bans a peer. A ban that ends later stays as it is. */
  add(ban: Ban, now: number): void {
    const before = this.#bans.get(ban.peerId)
    if (before !== undefined && before.untilMs >= ban.untilMs) return
    this.#bans.set(ban.peerId, { ...ban, reason: cut(ban.reason) })
    if (this.#bans.size > this.#capacity) this.#forgetOne(now)
  }

  /** Lifts a ban; false when there is none. */
  remove(peerId: string): boolean {
    return this.#bans.delete(peerId)
  }

  has(peerId: string, now: number): boolean {
    const ban = this.#bans.get(peerId)
    if (ban === undefined) return false
    if (ban.untilMs > now) return true
    this.#bans.delete(peerId)
    return false
  }

  list(now: number): Ban[] {
    return [...this.#bans.values()].filter((ban) => ban.untilMs > now)
  }

  encode(now: number): Uint8Array {
    return banRecordMessage.encode({ bans: this.list(now) })
  }

  /**
   * Adds the bans of a record.
   *
   * @throws {WireError} when it is not one
   */
  decode(record: Uint8Array, now: number): void {
    for (const ban of banRecordMessage.decode(record).bans) if (ban.untilMs > now) this.add(ban, now)
  }

  #forgetOne(now: number): void {
    let first: Ban | undefined
    for (const ban of this.#bans.values()) {
      if (ban.untilMs <= now) {
        first = ban
        break
      }
      if (first === undefined || ban.untilMs < first.untilMs) first = ban
    }
    if (first !== undefined) this.#bans.delete(first.peerId)
  }
}

function cut(reason: string): string {
  return Buffer.byteLength(reason) <= MAX_REASON_BYTES
    ? reason
    : new TextDecoder().decode(Buffer.from(reason).subarray(0, MAX_REASON_BYTES - 3)).replace(/\ufffd+$/, '')
}
