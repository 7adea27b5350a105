import { getHeapStatistics } from 'node:v8'

/** What any decoding may cost: error messages with their stacks, caches that fill, code that is compiled meanwhile. */
const FREE_HEAP_BYTES: number = 4 * 1024 * 1024
/** Of objects for each byte of input: two bytes make an empty submessage with a few fields. */
const HEAP_PER_BYTE = 512
const FREE_BUFFER_BYTES: number = 64 * 1024
const BUFFERS_PER_BYTE = 8

/**
 * Runs something synchronous over an input and bounds what it allocates by the input's length: a number that the input states must not count.
 *
 * What a collection frees meanwhile goes unnoticed now and then, but not each time.
 *
 * @param buffersPerByte bytes of buffers for each byte of input. @default 8: a copy, a few encodings
 * @throws {RangeError} when it took more
 */
export function withinAllocation<T>(input: Uint8Array, work: () => T, buffersPerByte: number = BUFFERS_PER_BYTE): T {
  const before = getHeapStatistics()
  try {
    return work()
  } finally {
    const after = getHeapStatistics()
    check('buffers', after.external_memory - before.external_memory, FREE_BUFFER_BYTES, buffersPerByte, input)
    check('objects', after.used_heap_size - before.used_heap_size, FREE_HEAP_BYTES, HEAP_PER_BYTE, input)
  }
}

function check(what: string, taken: number, free: number, perByte: number, { byteLength }: Uint8Array): void {
  if (taken <= free + perByte * byteLength) return
  throw new RangeError(`allocated ${taken} bytes of ${what} for an input of ${byteLength} bytes`)
}
