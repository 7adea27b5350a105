import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { StreamReader } from '../../src/rpc/stream-reader.ts'
import { StreamWriter } from '../../src/rpc/stream-writer.ts'

/** Everything until the end. */
async function readAll(reader: StreamReader): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for (let data = await reader.read(); data !== undefined; data = await reader.read()) chunks.push(data.subarray())
  return Buffer.concat(chunks)
}

function nextEvent(stream: Stream, event: 'close' | 'remoteCloseWrite'): Promise<unknown> {
  return once(stream as unknown as EventTarget, event)
}

describe('StreamReader', () => {
  test('reads what came and ended before anybody listened', async () => {
    const [near, far] = await streamPair()
    far.send(Uint8Array.of(1, 2, 3))
    const ended = nextEvent(near, 'remoteCloseWrite')
    await far.close()
    await ended
    assert.deepEqual(await readAll(new StreamReader(near)), Buffer.of(1, 2, 3))
  })

  test('ends when the peer closes while it waits', async () => {
    const [near, far] = await streamPair()
    const all = readAll(new StreamReader(near))
    far.send(Uint8Array.of(1))
    await far.close()
    assert.deepEqual(await all, Buffer.of(1))
  })

  test('reads what came before a reset, then throws', async () => {
    const [near, far] = await streamPair()
    const reader = new StreamReader(near)
    far.send(Uint8Array.of(1, 2))
    assert.equal((await reader.read())?.byteLength, 2)
    far.send(Uint8Array.of(3))
    const closed = nextEvent(near, 'close')
    far.abort(new Error('enough'))
    await closed
    assert.equal((await reader.read())?.byteLength, 1)
    await assert.rejects(reader.read(), { name: 'StreamResetError' })
  })

  test('throws at once, and whatever had come, when this side aborts', async () => {
    const [near, far] = await streamPair()
    const reader = new StreamReader(near)
    far.send(Uint8Array.of(1))
    await reader.read()
    const reading = reader.read()
    near.abort(new Error('our own reason'))
    await assert.rejects(reading, { message: 'our own reason' })
    await assert.rejects(reader.read(), { message: 'our own reason' })
  })

  test('holds the stream back until it is read, and loses nothing', async () => {
    const [near, far] = await streamPair({ delay: 0 })
    const reader = new StreamReader(near)
    const sent = Buffer.alloc(100_000, 'abcdefg')
    const writer = new StreamWriter(far)
    let events = 0
    near.addEventListener('message', () => {
      events += 1
    })
    for (let at = 0; at < sent.byteLength; at += 1_000) await writer.write(sent.subarray(at, at + 1_000), () => {})
    await far.close()
    assert.ok(events <= 1, `${events} deliveries before anybody read`)
    assert.deepEqual(await readAll(reader), sent)
  })

  test('tells of what happens while nobody reads', async () => {
    const [near, far] = await streamPair()
    const reader = new StreamReader(near)
    const spoke = new Promise<void>((resolve) => reader.watch(resolve))
    assert.equal(reader.isQuiet, true)
    far.send(Uint8Array.of(1))
    await spoke
    assert.equal(reader.isQuiet, false)
    await reader.read()
    const ended = new Promise<void>((resolve) => reader.watch(resolve))
    await far.close()
    await ended
    assert.equal(reader.isQuiet, false)
  })
})
