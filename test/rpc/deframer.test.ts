import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { Deframer } from '../../src/rpc/deframer.ts'
import { RpcError } from '../../src/rpc/rpc-error.ts'
import { framed } from './frames.ts'

const LIMIT = 100_000

function withCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof RpcError && error.code === code
}

/** Everything that comes out of chunks. */
function deframe(chunks: readonly Uint8Array[]): Uint8Array[] {
  const deframer = new Deframer()
  const frames: Uint8Array[] = []
  for (const chunk of chunks) {
    deframer.push(chunk)
    for (let frame = deframer.take(LIMIT); frame !== undefined; frame = deframer.take(LIMIT)) frames.push(frame)
  }
  assert.equal(deframer.isMidFrame, false)
  return frames
}

describe('Deframer', () => {
  test('gives back the frames, however the bytes are cut', () => {
    const frame = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 5_000, maxLength: 20_000 }))
    const cut = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 9_000 }))
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), fc.array(cut, { minLength: 1, maxLength: 20 }), (frames, cuts) => {
        const bytes = Buffer.concat(frames.map(framed))
        const chunks: Uint8Array[] = []
        for (let at = 0, turn = 0; at < bytes.byteLength; turn++) {
          const length = cuts[turn % cuts.length] ?? 1
          chunks.push(bytes.subarray(at, at + length))
          at += length
        }
        const out = deframe(chunks)
        assert.equal(out.length, frames.length)
        for (const [i, taken] of out.entries()) assert.equal(Buffer.compare(taken, frames[i] ?? taken), 0)
      }),
      { numRuns: 200 }
    )
  })

  test('takes lists as well as arrays', () => {
    const deframer = new Deframer()
    deframer.push(new Uint8ArrayList(Uint8Array.of(3, 1), Uint8Array.of(2, 3, 1), Uint8Array.of(9)))
    assert.deepEqual(deframer.take(LIMIT), Uint8Array.of(1, 2, 3))
    assert.deepEqual(deframer.take(LIMIT), Uint8Array.of(9))
    assert.equal(deframer.take(LIMIT), undefined)
  })

  test('refuses a length over the limit before the frame has come', () => {
    const deframer = new Deframer()
    deframer.push(Uint8Array.of(0xa1, 0x8d, 0x06)) // 100,001
    assert.throws(() => deframer.take(LIMIT), withCode('RPC_OVERSIZE_FRAME'))
  })

  test('accepts a length at the limit', () => {
    const frame = new Uint8Array(LIMIT).fill(3)
    assert.deepEqual(deframe([framed(frame)]).map(Buffer.from), [Buffer.from(frame)])
  })

  test('refuses a length prefix without an end', () => {
    const deframer = new Deframer()
    for (let sent = 0; sent < 9; sent++) {
      deframer.push(Uint8Array.of(0x80))
      assert.equal(deframer.take(LIMIT), undefined)
    }
    deframer.push(Uint8Array.of(0x80))
    assert.throws(() => deframer.take(LIMIT), withCode('RPC_BAD_FRAME'))
  })

  test('accepts a length in more bytes than it needs', () => {
    assert.deepEqual(deframe([Uint8Array.of(0x82, 0x80, 0x80, 0x00, 7, 8)]), [Uint8Array.of(7, 8)])
  })

  test('a frame within one chunk is not copied', () => {
    const chunk = Uint8Array.of(2, 7, 8, 1, 9)
    const [first, second] = deframe([chunk])
    assert.equal(first?.buffer, chunk.buffer)
    assert.equal(second?.buffer, chunk.buffer)
  })

  test('does not keep network buffers alive for the small chunks of an unfinished frame', () => {
    const deframer = new Deframer()
    deframer.push(Uint8Array.of(100))
    assert.equal(deframer.take(LIMIT), undefined)
    const network = new Uint8Array(64 * 1024)
    deframer.push(network.subarray(0, 1)) // the first chunk is kept as it is
    for (let at = 1; at < 99; at++) deframer.push(network.subarray(at, at + 1))
    network.fill(9) // what was gathered was copied, and does not change
    deframer.push(Uint8Array.of(5))
    const frame = deframer.take(LIMIT)
    assert.deepEqual(frame?.subarray(1), Uint8Array.of(...new Array(98).fill(0), 5))
  })
})
