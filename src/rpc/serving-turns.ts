import type { Clock } from '../runtime/clock.ts'
import { RpcError } from './rpc-error.ts'

/** Bytes that may be begun in one turn of the event loop: a millisecond or two of encryption, so that what else waits in the loop comes soon. */
const BYTES_PER_LOOP = 256 * 1024
/** The same while the loop is late. */
const BYTES_PER_LATE_LOOP = 64 * 1024
/** What the smallest answer counts for: a lookup is not for nothing. */
const LEAST_BYTES = 4 * 1024
/** Nobody holds more than such a part of what is free (dynamic thresholds, Choudhury and Hahne): something is left for whoever comes next. */
const PART_OF_FREE = 1 / 2
/** What nobody but reserved peers may hold. */
const RESERVED_PART = 1 / 4
/** A reserved peer's bytes count so much less when it is decided whose turn it is. */
const RESERVED_WEIGHT = 4
/** How long an asker waits for its first turn before it is told to come again, in milliseconds: well within the time that it waits for a first frame. */
const PATIENCE_MS = 5_000
/** When to come again, in milliseconds: what was waited for in vain may be there then. */
const RETRY_MS = 1_000
/** While the node is busy serving rests twice as long as it worked, up to so many milliseconds. */
const REST_FACTOR = 2
const MAX_REST_MS = 10
/** While others wait for room, an answer has so many milliseconds to be taken, frame by frame: 50 KiB a second. */
const SLOW_MS = 5_000

/** Who asks. */
export interface Asker {
  readonly key: string
  /** Whether a part of everything is kept for it and its like. */
  readonly isReserved: boolean
}

export interface ServingTurnsInit {
  readonly clock: Clock
  /** Bytes of answers made and not yet taken, of all peers. */
  readonly maxBytes: number
  /** Whether the event loop is late: then less is begun in each turn of it. */
  readonly isLate: () => boolean
  /** Whether the node has more urgent things to do: then serving rests in between, too. */
  readonly isBusy: () => boolean
}

interface Waiter {
  readonly share: Share
  readonly bytes: number
  grant(): void
}

/** What one peer has, and waits for. */
interface Share {
  readonly key: string
  isReserved: boolean
  readonly waiting: Waiter[]
  /** Turns not yet over. */
  turns: number
  held: number
  /** Bytes served, by weight: the peer with the fewest is next (start-time fair queueing). */
  served: number
}

/** The right to make one frame of an answer, and to hold it until it is written. */
export interface ServingTurn {
  /** The frame is made, and so long. */
  made(bytes: number): void
  /** It is written, or never will be. Idempotent. */
  end(): void
}

interface Writing {
  readonly share: Share
  readonly sinceMs: number
  readonly shed: () => void
}

/**
 * Whose frame is made next, of all answers under way: fair between peers by bytes, so that nobody gets more by asking more, within a bound on bytes held by all, and little by little, so that
 * the event loop is never kept long. While the loop is late, or the node busy, it goes slower, and never stops.
 */
export class ServingTurns {
  readonly #init: ServingTurnsInit
  readonly #shares = new Map<string, Share>()
  readonly #writing = new Set<Writing>()
  #waiting = 0
  #held = 0
  #heldByStrangers = 0
  /** What `served` was of whoever was served last: where a newcomer begins. */
  #servedLast = 0
  /** Bytes that may still be begun in this turn of the event loop. */
  #credit = BYTES_PER_LOOP
  #isPumping = false
  #restUntilMs = 0
  #slowTimer: ReturnType<typeof setTimeout> | undefined

  constructor(init: ServingTurnsInit) {
    this.#init = init
  }

  /** Bytes of answers made, or being made, and not yet taken. */
  get held(): number {
    return this.#held
  }

  /**
   * Waits for a turn.
   *
   * @param bytes of the frame, about
   * @param options.shed called when the frame is taken too slowly and others wait: it must end the turn
   * @throws {RpcError} `RPC_RATE_LIMITED` when it takes too long; the signal's reason
   */
  async begin(
    asker: Asker,
    bytes: number,
    options: { readonly signal: AbortSignal; readonly shed: () => void }
  ): Promise<ServingTurn> {
    options.signal.throwIfAborted()
    const share = this.#shareOf(asker)
    if (this.#waiting > 0 || !this.#isOpen() || !this.#fits(share, bytes))
      await this.#wait(share, bytes, options.signal)
    else this.#grant(share, bytes)
    return this.#turn(share, bytes, options.shed)
  }

  #shareOf({ key, isReserved }: Asker): Share {
    let share = this.#shares.get(key)
    if (share === undefined) {
      share = { key, isReserved, waiting: [], turns: 0, held: 0, served: this.#servedLast }
      this.#shares.set(key, share)
    }
    // what it holds counts for what it was until it holds nothing
    if (share.turns === 0 && share.waiting.length === 0) share.isReserved = isReserved
    return share
  }

  async #wait(share: Share, bytes: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        share.waiting.splice(share.waiting.indexOf(waiter), 1)
        this.#waiting -= 1
        if (this.#waiting > 0) return
        clearTimeout(this.#slowTimer)
        this.#slowTimer = undefined
      }
      const give = (reason: unknown) => {
        leave()
        this.#forget(share)
        reject(reason as Error)
      }
      const onAbort = () => give(signal.reason)
      const waiter: Waiter = {
        share,
        bytes,
        grant: () => {
          leave()
          this.#grant(share, bytes)
          resolve()
        }
      }
      const timer = setTimeout(
        () => give(new RpcError('RPC_RATE_LIMITED', 'busy', { retryAfterMs: RETRY_MS })),
        PATIENCE_MS
      )
      signal.addEventListener('abort', onAbort)
      share.waiting.push(waiter)
      this.#waiting += 1
      this.#pumpSoon()
    })
  }

  #grant(share: Share, bytes: number): void {
    this.#servedLast = Math.max(this.#servedLast, share.served)
    share.served += cost(share, bytes)
    this.#hold(share, bytes)
    share.turns += 1
    this.#credit -= Math.max(bytes, LEAST_BYTES)
    this.#pumpSoon() // gives the credit back
  }

  #hold(share: Share, bytes: number): void {
    share.held += bytes
    this.#held += bytes
    if (!share.isReserved) this.#heldByStrangers += bytes
  }

  #turn(share: Share, expected: number, shed: () => void): ServingTurn {
    const { clock } = this.#init
    const begunMs = clock.monotonic()
    let held = expected
    let state: 'making' | 'writing' | 'over' = 'making'
    let writing: Writing | undefined
    const rest = () => {
      const now = clock.monotonic()
      if (this.#init.isBusy()) this.#restUntilMs = now + Math.min(MAX_REST_MS, (now - begunMs) * REST_FACTOR)
    }
    return {
      made: (bytes) => {
        if (state !== 'making') return
        state = 'writing'
        rest()
        share.served += cost(share, bytes) - cost(share, expected)
        this.#hold(share, bytes - held)
        held = bytes
        writing = { share, sinceMs: clock.monotonic(), shed }
        this.#writing.add(writing)
        this.#giveBack(Math.max(expected, LEAST_BYTES) - Math.max(bytes, LEAST_BYTES))
      },
      end: () => {
        if (state === 'over') return
        const unused = state === 'making' ? expected - LEAST_BYTES : 0
        state = 'over'
        if (writing !== undefined) this.#writing.delete(writing)
        this.#hold(share, -held)
        share.turns -= 1
        this.#forget(share)
        this.#giveBack(unused)
      }
    }
  }

  /** What was expected and did not come may be begun by others in the same turn of the event loop. */
  #giveBack(bytes: number): void {
    this.#credit = Math.min(BYTES_PER_LOOP, this.#credit + Math.max(0, bytes))
    this.#giveOut()
  }

  #forget(share: Share): void {
    if (share.turns === 0 && share.waiting.length === 0) this.#shares.delete(share.key)
  }

  /** Whether a frame may be begun now, whoever's it is. */
  #isOpen(): boolean {
    return this.#credit > 0 && this.#init.clock.monotonic() >= this.#restUntilMs
  }

  #fits(share: Share, bytes: number): boolean {
    const { maxBytes } = this.#init
    const [held, most] = share.isReserved
      ? [this.#held, maxBytes]
      : [this.#heldByStrangers, maxBytes * (1 - RESERVED_PART)]
    if (share.held > 0) return share.held + bytes <= (most - held) * PART_OF_FREE
    return held === 0 || held + bytes <= most
  }

  #pumpSoon(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    setImmediate(() => {
      this.#isPumping = false
      this.#pump()
    })
  }

  #pump(): void {
    this.#credit = this.#init.isLate() ? BYTES_PER_LATE_LOOP : BYTES_PER_LOOP
    this.#giveOut()
  }

  /** Gives out turns, as many as this turn of the event loop still bears. */
  #giveOut(): void {
    while (this.#waiting > 0 && this.#isOpen()) {
      const next = this.#next()
      if (next === undefined) {
        this.#shedSlow()
        return // until something is given back
      }
      next.grant()
    }
    if (this.#waiting === 0 || this.#isPumping) return // who was given a turn has spent, and what is spent is given back soon
    this.#isPumping = true
    setTimeout(
      () => {
        this.#isPumping = false
        this.#pump()
      },
      Math.max(0, this.#restUntilMs - this.#init.clock.monotonic())
    )
  }

  /** Of those whose frame there is room for, the one whose peer was served least. */
  #next(): Waiter | undefined {
    let next: Waiter | undefined
    for (const share of this.#shares.values()) {
      const [first] = share.waiting
      if (first === undefined || !this.#fits(share, first.bytes)) continue
      if (next === undefined || share.served < next.share.served) next = first
    }
    return next
  }

  /** There is no room for peers that hold nothing: ends the answers that are taken too slowly, strangers' first, as many as there are such peers. */
  #shedSlow(): void {
    const starved = [...this.#shares.values()].filter(({ held, waiting }) => held === 0 && waiting.length > 0)
    if (starved.length === 0) return
    const now = this.#init.clock.monotonic()
    const onlyStrangers = starved.every(({ isReserved }) => !isReserved)
    const byAge = [...this.#writing]
      .filter(({ share }) => !(onlyStrangers && share.isReserved))
      .sort((a, b) => Number(a.share.isReserved) - Number(b.share.isReserved) || a.sinceMs - b.sinceMs)
    const slow = byAge.filter(({ sinceMs }) => now - sinceMs >= SLOW_MS).slice(0, starved.length)
    for (const writing of slow) {
      this.#writing.delete(writing)
      writing.shed()
    }
    const [oldest] = byAge
    if (slow.length > 0 || oldest === undefined || this.#slowTimer !== undefined) return
    this.#slowTimer = setTimeout(
      () => {
        this.#slowTimer = undefined
        this.#pump()
      },
      Math.max(1, oldest.sinceMs + SLOW_MS - now)
    )
    this.#slowTimer.unref()
  }
}

function cost({ isReserved }: Share, bytes: number): number {
  return Math.max(bytes, LEAST_BYTES) / (isReserved ? RESERVED_WEIGHT : 1)
}
