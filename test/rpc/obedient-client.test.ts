import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { STATUS } from '../../src/rpc/index.ts'
import { RetryTimes } from '../../src/rpc/retry-times.ts'
import { ManualClock } from '../peers/manual-clock.ts'
import { bodyFrame, statusFrame } from './frames.ts'
import { received, startScriptedServer } from './raw-peer.ts'
import { greet } from './test-protocols.ts'

const protocol = greet()

describe('a client that is told to wait', () => {
  test('does not ask before, whoever wants to, and asks then', async (context) => {
    const clock = new ManualClock()
    let asked = 0
    const script = async (stream: Parameters<typeof received>[0]) => {
      for (;;) {
        await received(stream)
        asked += 1
        if (asked === 1) stream.send(statusFrame({ code: STATUS.rateLimited, retryAfterMs: 500 }))
        else stream.send(Buffer.concat([bodyFrame({ text: 'welcome' }), statusFrame()]))
      }
    }
    const { client, server } = await startScriptedServer(context, protocol, script, { clock })
    const call = () => client.services.rpc.call(server.peerId, protocol, { text: '' })
    await assert.rejects(call(), { code: 'RPC_RATE_LIMITED', retryAfterMs: 500 })
    clock.advance(200)
    for (let i = 0; i < 3; i++) await assert.rejects(call(), { code: 'RPC_RATE_LIMITED', retryAfterMs: 300 })
    assert.equal(asked, 1)
    clock.advance(300)
    assert.deepEqual(await call(), { text: 'welcome' })
    assert.equal(asked, 2)
  })
})

describe('RetryTimes', () => {
  test('believes a peer for a minute at most, and keeps to the longest wait', () => {
    const clock = new ManualClock()
    const times = new RetryTimes({ clock, capacity: 10 })
    times.asked('a', Number.MAX_SAFE_INTEGER)
    times.asked('a', 10)
    assert.equal(times.waitMs('a'), 60_000)
    assert.equal(times.waitMs('b'), 0)
    clock.advance(60_000)
    assert.equal(times.waitMs('a'), 0)
  })

  test('is bounded: the one that waits longest already goes', () => {
    const times = new RetryTimes({ clock: new ManualClock(), capacity: 2 })
    for (const key of ['a', 'b', 'c']) times.asked(key, 1_000)
    assert.deepEqual(
      ['a', 'b', 'c'].map((key) => times.waitMs(key)),
      [0, 1_000, 1_000]
    )
  })
})
