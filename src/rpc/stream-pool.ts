import type { FrameStream } from './frame-stream.ts'

export interface StreamPoolInit {
  /** Most idle streams of a key. */
  readonly maxIdle: number
  /** How long a stream stays, in milliseconds. */
  readonly idleMs: number
}

interface IdleStream {
  readonly frames: FrameStream
  readonly timer: ReturnType<typeof setTimeout>
  readonly retire: () => void
}

/**
 * Keeps streams between requests. A stream leaves when it is taken, when its time is over, or when anything happens on it: then it ended, was
 * torn, or its peer speaks without having been asked.
 */
export class StreamPool {
  readonly #init: StreamPoolInit
  readonly #idle = new Map<string, IdleStream[]>()

  constructor(init: StreamPoolInit) {
    this.#init = init
  }

  /** The stream of a key used last, no longer kept. */
  take(key: string): FrameStream | undefined {
    for (let last = this.#idle.get(key)?.at(-1); last !== undefined; last = this.#idle.get(key)?.at(-1)) {
      this.#remove(key, last)
      if (last.frames.isQuiet) return last.frames
      last.retire() // its connection is closing
    }
    return undefined
  }

  /**
   * Keeps a stream, if it is fit for another request and there is room.
   *
   * @param retire called when the stream is not kept, or no longer
   */
  put(key: string, frames: FrameStream, retire: () => void): void {
    const { maxIdle, idleMs } = this.#init
    const idle = this.#idle.get(key) ?? []
    if (idle.length >= maxIdle || !frames.isQuiet) {
      retire()
      return
    }
    const leave = () => {
      this.#remove(key, kept)
      retire()
    }
    const kept: IdleStream = { frames, timer: setTimeout(leave, idleMs), retire }
    idle.push(kept)
    this.#idle.set(key, idle)
    frames.watch(leave)
  }

  #remove(key: string, kept: IdleStream): void {
    clearTimeout(kept.timer)
    kept.frames.watch(undefined)
    const left = this.#idle.get(key)?.filter((other) => other !== kept) ?? []
    if (left.length > 0) this.#idle.set(key, left)
    else this.#idle.delete(key)
  }
}
