import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { peerIdFromString } from '@libp2p/peer-id'
import { Exchange, type ExchangeEnd } from '../../src/rpc/exchange.ts'
import type { FrameStream } from '../../src/rpc/frame-stream.ts'
import { greet, type Note } from './test-protocols.ts'

const peer = peerIdFromString('12D3KooWGZqEgjFVYbYbNnrqMdHzCHRXPJWr8CxTUQAaNJFpb9oA')

/** A question to a peer that never finishes opening a stream. */
function ask(protocol: ReturnType<typeof greet>, signal?: AbortSignal) {
  const ends: ExchangeEnd[] = []
  const exchange = new Exchange<Note, Note>(
    { peer, protocol, request: { text: '' }, single: true, signal },
    {
      writeTimeoutMs: 1_000,
      reuse: () => undefined,
      open(signal): Promise<FrameStream> {
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
      keep: () => assert.fail('nothing to keep'),
      onBegin: () => {},
      onEnd: (end) => ends.push(end)
    }
  )
  return { ends, exchange, answer: exchange.answer().next() }
}

describe('an exchange whose stream does not open', () => {
  test('ends after the deadline of the first frame', async () => {
    const { answer, ends } = ask(greet({ firstFrameMs: 20 }))
    await assert.rejects(answer, { code: 'RPC_TIMEOUT' })
    assert.deepEqual(
      ends.map(({ result }) => result),
      ['RPC_TIMEOUT']
    )
  })

  test('ends after the deadline of the whole answer', async () => {
    const { answer } = ask(greet({ totalMs: 20 }))
    await assert.rejects(answer, { code: 'RPC_TIMEOUT' })
  })

  test('ends when the caller aborts', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const { answer, ends } = ask(greet(), controller.signal)
    controller.abort(reason)
    await assert.rejects(answer, reason)
    assert.equal(ends[0]?.error, reason)
  })

  test('ends when it is cancelled', async () => {
    const reason = new Error('stopped')
    const { answer, exchange } = ask(greet())
    exchange.cancel(reason)
    await assert.rejects(answer, reason)
  })
})
