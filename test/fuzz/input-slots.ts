import { MAX_INPUT_BYTES } from './fuzz-target.ts'

/** Most inputs under way at once. */
export const SLOTS = 16
const HEADER_BYTES = 8
const SLOT_BYTES: number = 8 + MAX_INPUT_BYTES
/** Length of what is in a slot that is free. */
const FREE = -1

/** An input that is being run. */
export interface InputUnderWay {
  readonly slot: number
  /** Another one each time that the slot is taken. */
  readonly turn: number
  readonly input: Uint8Array
}

/**
 * The inputs that a thread is running, in memory that it shares: whoever watches it can tell which they were though the thread hangs or is dead.
 */
export class InputSlots {
  readonly buffer: SharedArrayBuffer
  readonly #done: Int32Array
  readonly #heads: Int32Array[]
  readonly #bytes: Uint8Array[]

  /** @param buffer of the other side. @default a new one */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(HEADER_BYTES + SLOTS * SLOT_BYTES)) {
    this.buffer = buffer
    this.#done = new Int32Array(buffer, 0, 1)
    const starts = Array.from({ length: SLOTS }, (_, slot) => HEADER_BYTES + slot * SLOT_BYTES)
    this.#heads = starts.map((start) => new Int32Array(buffer, start, 2))
    this.#bytes = starts.map((start) => new Uint8Array(buffer, start + 8, MAX_INPUT_BYTES))
    if (this.#done[0] === 0) this.clear()
  }

  /** Inputs run so far. */
  get done(): number {
    return Atomics.load(this.#done, 0)
  }

  /** Puts an input into a slot. */
  begin(slot: number, input: Uint8Array): void {
    this.#bytesOf(slot).set(input)
    const head = this.#headOf(slot)
    Atomics.add(head, 0, 1)
    Atomics.store(head, 1, input.byteLength)
  }

  /** Frees a slot. */
  end(slot: number): void {
    Atomics.store(this.#headOf(slot), 1, FREE)
    Atomics.add(this.#done, 0, 1)
  }

  /** Frees all, and counts from 0. */
  clear(): void {
    for (const head of this.#heads) Atomics.store(head, 1, FREE)
    Atomics.store(this.#done, 0, 0)
  }

  underWay(): InputUnderWay[] {
    return this.#heads.flatMap((head, slot) => {
      const length = Atomics.load(head, 1)
      if (length === FREE) return []
      return { slot, turn: Atomics.load(head, 0), input: this.#bytesOf(slot).slice(0, length) }
    })
  }

  #headOf(slot: number): Int32Array {
    return this.#heads[slot] as Int32Array
  }

  #bytesOf(slot: number): Uint8Array {
    return this.#bytes[slot] as Uint8Array
  }
}
