import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeFrom, encodeRequestFrame, encodeResponseFrame, encodeStatusFrame } from '../../src/rpc/frame-codec.ts'
import { requestFrameMessage, responseFrameMessage } from '../../src/rpc/frame-messages.ts'
import { RpcError, type RpcErrorCode, STATUS } from '../../src/rpc/rpc-error.ts'
import { errorOf, OK_STATUS, statusOf } from '../../src/rpc/status.ts'
import { framed } from './frames.ts'

describe('frames put together from a head and a body', () => {
  for (const length of [0, 1, 127, 128, 20_000]) {
    const body = new Uint8Array(length).fill(1)
    test(`are what the tables encode, with a body of ${length} bytes`, () => {
      for (const keepOpen of [true, false]) {
        const frame = encodeRequestFrame(keepOpen, body, 200_000)
        assert.deepEqual(Buffer.from(frame.subarray()), framed(requestFrameMessage.encode({ keepOpen, body })))
      }
      const frame = encodeResponseFrame(body, 200_000)
      assert.deepEqual(Buffer.from(frame.subarray()), framed(responseFrameMessage.encode({ body, status: undefined })))
    })
  }

  test('are refused over the limit, head included', () => {
    const body = new Uint8Array(97)
    assert.equal(encodeResponseFrame(body, 99).byteLength, 100)
    assert.throws(() => encodeResponseFrame(body, 98), RangeError)
    assert.throws(() => encodeRequestFrame(true, body, 100), RangeError)
  })

  test('do not copy the body', () => {
    const body = new Uint8Array(1_000)
    const chunks = [...encodeResponseFrame(body, 2_000)]
    assert.equal(chunks.at(-1), body)
  })
})

describe('statuses', () => {
  const codes: RpcErrorCode[] = [
    'RPC_INVALID_REQUEST',
    'RPC_NOT_FOUND',
    'RPC_RATE_LIMITED',
    'RPC_UNAVAILABLE',
    'RPC_INTERNAL'
  ]
  for (const code of codes) {
    test(`${code} goes there and back`, () => {
      const status = statusOf(new RpcError(code, 'because', { lowestAvailable: 7, retryAfterMs: 9 }))
      const error = errorOf(status ?? OK_STATUS)
      assert.equal(error?.code, code)
      assert.equal(error?.lowestAvailable, 7)
      assert.equal(error?.retryAfterMs, 9)
      assert.match(error?.message ?? '', /because/)
    })
  }

  test('other errors are none of the peer’s business', () => {
    assert.equal(statusOf(new Error('secret')), undefined)
    assert.equal(statusOf(new RpcError('RPC_TIMEOUT', 'of a request of our own')), undefined)
  })

  test('a message is cut at 256 bytes, between characters, and is always UTF-8', () => {
    for (const text of ['ä'.repeat(200), `x${'ä'.repeat(200)}`, '😀'.repeat(100), `\ud800${'a'.repeat(300)}`]) {
      const status = statusOf(new RpcError('RPC_UNAVAILABLE', text))
      assert.ok(status)
      assert.ok(Buffer.byteLength(status.message) <= 256)
      assert.ok(Buffer.byteLength(status.message) > 252)
      assert.ok(text.toWellFormed().startsWith(status.message))
      const [, ...frame] = [...encodeStatusFrame(status)]
      const decoded = decodeFrom(responseFrameMessage, Buffer.concat(frame), 'RPC_BAD_FRAME')
      assert.equal(decoded.status?.message, status.message)
    }
  })

  test('a status of a later version is a failure inside the peer', () => {
    assert.equal(errorOf({ ...OK_STATUS, code: 99 })?.code, 'RPC_INTERNAL')
    assert.equal(errorOf({ ...OK_STATUS, code: STATUS.ok }), undefined)
  })

  test('the text of a peer cannot break a line of the log, colour it or turn it round', () => {
    const error = errorOf({ ...OK_STATUS, code: STATUS.internal, message: 'a\nb\u001b[31m\u007f\u009b31m\u2028\u202e' })
    assert.ok(error)
    assert.match(error.message, /^[\x20-\x7e]+$/)
  })
})
