import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { streamPair } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { FrameStream } from '../../src/rpc/frame-stream.ts'
import { framed } from './frames.ts'

const LIMIT = 1024 * 1024
/** Longer than any test. */
const PATIENCE_MS = 30_000

async function pair(): Promise<{ near: FrameStream; far: Awaited<ReturnType<typeof streamPair>>[1]; raw: typeof far }> {
  const [raw, far] = await streamPair({ delay: 0 })
  return { near: new FrameStream(raw), far, raw }
}

/** Lets what was sent arrive. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('FrameStream', () => {
  test('reads frames and the end', async () => {
    const { near, far } = await pair()
    far.send(Buffer.concat([framed(Uint8Array.of(1)), framed(Uint8Array.of(2, 3)), framed(new Uint8Array(0))]))
    await far.close()
    assert.deepEqual(await near.read(LIMIT, PATIENCE_MS), Uint8Array.of(1))
    assert.equal(near.hasLeftover, true)
    assert.deepEqual(await near.read(LIMIT, PATIENCE_MS), Uint8Array.of(2, 3))
    assert.deepEqual(await near.read(LIMIT, PATIENCE_MS), new Uint8Array(0))
    assert.equal(await near.read(LIMIT, PATIENCE_MS), undefined)
  })

  test('an end within a frame is a torn stream', async () => {
    for (const torn of [Uint8Array.of(0x80), Uint8Array.of(3), Uint8Array.of(3, 1)]) {
      const { near, far } = await pair()
      far.send(torn)
      await far.close()
      await assert.rejects(near.read(LIMIT, PATIENCE_MS), { code: 'RPC_STREAM_TORN' })
    }
  })

  test('silence aborts the stream: at once, and within a frame', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] })
    for (const begun of [[], [0x80], [3, 1]]) {
      const { near, far, raw } = await pair()
      if (begun.length > 0) far.send(Uint8Array.from(begun))
      const rejected = assert.rejects(near.read(LIMIT, 1_000), { code: 'RPC_TIMEOUT' })
      await turns()
      context.mock.timers.tick(999)
      assert.equal(raw.status, 'open')
      context.mock.timers.tick(1)
      await rejected
      assert.equal(raw.status, 'aborted')
      await assert.rejects(near.read(LIMIT, 1_000), { code: 'RPC_TIMEOUT' })
      await assert.rejects(near.write(new Uint8ArrayList(Uint8Array.of(1)), 1_000), { code: 'RPC_TIMEOUT' })
    }
  })

  test('a large frame that keeps coming is no silence, one that trickles is', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] })
    const { near, far, raw } = await pair()
    const frame = new Uint8Array(8 * 70_000).fill(5)
    const reading = near.read(LIMIT, 1_000)
    far.send(framed(frame).subarray(0, 70_000))
    for (let at = 70_000; at < frame.byteLength; at += 70_000) {
      await turns()
      context.mock.timers.tick(900)
      far.send(framed(frame).subarray(at, at + 70_000))
    }
    far.send(framed(frame).subarray(frame.byteLength))
    assert.equal((await reading)?.byteLength, frame.byteLength)

    const rejected = assert.rejects(near.read(LIMIT, 1_000), { code: 'RPC_TIMEOUT' })
    far.send(Uint8Array.of(0xff, 0x7f))
    for (let sent = 0; sent < 10; sent++) {
      await turns()
      assert.equal(raw.status, 'open')
      context.mock.timers.tick(100)
      far.send(Uint8Array.of(1))
    }
    await rejected
  })

  test('an abort wakes whoever reads, with its reason', async () => {
    const { near } = await pair()
    const reading = near.read(LIMIT, PATIENCE_MS)
    const reason = new Error('enough')
    near.abort(reason)
    await assert.rejects(reading, reason)
  })

  test('finish closes both sides when the peer closes its own', async () => {
    const { near, far, raw } = await pair()
    far.addEventListener('remoteCloseWrite', () => void far.close())
    assert.equal(await near.finish(PATIENCE_MS), 'end')
    assert.equal(raw.status, 'closed')
  })

  test('finish resets a peer that does not close, or still speaks', async () => {
    const silent = await pair()
    assert.equal(await silent.near.finish(30), 'expired')
    assert.equal(silent.raw.status, 'aborted')

    const talking = await pair()
    talking.far.send(Uint8Array.of(1))
    assert.equal(await talking.near.finish(PATIENCE_MS), 'bytes')
    assert.equal(talking.raw.status, 'aborted')
  })

  test('finish ends when it is aborted while bytes wait', async () => {
    const { near, raw } = await pair()
    raw.writableNeedsDrain = true // the connection takes no more
    raw.send(Uint8Array.of(1))
    const finishing = near.finish(PATIENCE_MS)
    const reason = new Error('enough')
    near.abort(reason)
    await assert.rejects(finishing, reason)
  })

  test('a reset by the peer is a torn stream, for readers and writers', async () => {
    const { near, far, raw } = await pair()
    const closed = once(raw as unknown as EventTarget, 'close')
    far.abort(new Error('enough'))
    await closed
    await assert.rejects(near.read(LIMIT, PATIENCE_MS), { code: 'RPC_STREAM_TORN' })
    await assert.rejects(near.write(new Uint8ArrayList(Uint8Array.of(1)), PATIENCE_MS), { code: 'RPC_STREAM_TORN' })
  })
})
