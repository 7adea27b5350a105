import { Transform, type TransformCallback } from 'node:stream'

/** Bytes that one connection may have on the link at most, however fast and long the link. */
const MAX_BYTES_ON_LINK = 1024 * 1024
/** Milliseconds that a byte waits for its turn at most where a connection has the link for itself: a slow link is no long queue. */
const MAX_QUEUE_MS = 50
/** Bytes at the rate of this many milliseconds are sent in one piece, so that connections take turns. */
const PIECE_MS = 5

/** One direction of a link with a bounded rate and a delay, shared by its connections: who sends what when. */
export class LinkSchedule {
  #bytesPerMs: number
  #delayMs: number
  #busyUntil = 0

  /** @param bitsPerSecond above zero; `Infinity` for no bound */
  constructor(bitsPerSecond: number, delayMs: number) {
    this.#bytesPerMs = bitsPerSecond / 8000
    this.#delayMs = delayMs
  }

  /** For what is sent from now on. What is under way arrives when it would have. */
  change(bitsPerSecond: number, delayMs: number): void {
    this.#bytesPerMs = bitsPerSecond / 8000
    this.#delayMs = delayMs
  }

  /** Bytes that are sent in one piece. */
  get pieceBytes(): number {
    return clamp(this.#bytesPerMs * PIECE_MS, 1024, 64 * 1024)
  }

  /** Bytes that a connection may have on the link before its sender has to wait. */
  get windowBytes(): number {
    return clamp(this.#bytesPerMs * (this.#delayMs + MAX_QUEUE_MS), 4 * 1024, MAX_BYTES_ON_LINK)
  }

  /** Takes the next free time of the link for a piece and returns when it arrives, by the monotonic clock. */
  send(bytes: number, now: number): number {
    this.#busyUntil = Math.max(now, this.#busyUntil) + bytes / this.#bytesPerMs
    return this.#busyUntil + this.#delayMs
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.floor(Math.min(Math.max(value, least), most))
}

/** One direction of one connection over a link: what is written comes out late, and is taken no faster than the link carries it. */
export class SlowLink extends Transform {
  readonly #schedule: LinkSchedule
  /** Pieces on the link, by arrival. */
  readonly #pieces: { readonly bytes: Uint8Array; readonly arrival: number }[] = []
  #bytesOnLink = 0
  #timer: NodeJS.Timeout | undefined
  /** Takes the next chunk, or ends the stream, when there is room, or nothing left. */
  #waiting: { readonly room: number; readonly proceed: TransformCallback } | undefined
  #isHeld = false
  #tear: { bytesLeft: number; readonly onTorn: () => void } | undefined

  constructor(schedule: LinkSchedule) {
    super()
    this.#schedule = schedule
  }

  /** Delivers nothing more, not even the end, until {@link release}. What is on the link stays on it. */
  hold(): void {
    this.#isHeld = true
    clearTimeout(this.#timer)
  }

  /** Goes on after {@link hold}. */
  release(): void {
    this.#isHeld = false
    this.#deliver()
  }

  /** Delivers so many bytes more, and then nothing but the call of `onTorn`. */
  tearAfter(bytes: number, onTorn: () => void): void {
    this.#tear = { bytesLeft: bytes, onTorn }
  }

  override _transform(chunk: Uint8Array, _encoding: string, proceed: TransformCallback): void {
    const now = performance.now()
    for (let start = 0; start < chunk.byteLength; start += this.#schedule.pieceBytes) {
      const bytes = chunk.subarray(start, start + this.#schedule.pieceBytes)
      this.#pieces.push({ bytes, arrival: this.#schedule.send(bytes.byteLength, now) })
      this.#bytesOnLink += bytes.byteLength
    }
    this.#waiting = { room: this.#schedule.windowBytes, proceed }
    this.#deliver()
  }

  override _flush(proceed: TransformCallback): void {
    this.#waiting = { room: 0, proceed }
    this.#deliver()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer)
    this.#pieces.length = 0
    done(error)
  }

  #deliver(): void {
    clearTimeout(this.#timer)
    if (this.#isHeld) return
    const now = performance.now()
    const later = this.#pieces.findIndex(({ arrival }) => arrival > now)
    for (const { bytes } of this.#pieces.splice(0, later < 0 ? this.#pieces.length : later)) {
      this.#bytesOnLink -= bytes.byteLength
      this.#pass(bytes)
    }
    if (this.#isHeld) return // torn
    const [next] = this.#pieces
    if (next !== undefined) this.#timer = setTimeout(() => this.#deliver(), next.arrival - now)
    if (this.#waiting !== undefined && this.#bytesOnLink <= this.#waiting.room) {
      const { proceed } = this.#waiting
      this.#waiting = undefined
      proceed()
    }
  }
  #pass(bytes: Uint8Array): void {
    if (this.#isHeld) return
    const tear = this.#tear
    if (tear === undefined || bytes.byteLength < tear.bytesLeft) {
      if (tear !== undefined) tear.bytesLeft -= bytes.byteLength
      this.push(bytes)
      return
    }
    if (tear.bytesLeft > 0) this.push(bytes.subarray(0, tear.bytesLeft))
    this.hold()
    tear.onTorn()
  }
}
