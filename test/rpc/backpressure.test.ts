import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startTwoNodes } from './network.ts'
import { deliver } from './test-protocols.ts'

describe('backpressure', () => {
  test('a slow reader holds the sender back within a few MiB', async (context) => {
    const { client, server } = await startTwoNodes(context)
    const MIB = 1024 * 1024
    let sent = 0
    server.services.rpc.handle(deliver(), async function* ({ count, bytes }) {
      for (let number = 1; number <= count; number++) {
        sent += bytes
        yield { number, content: new Uint8Array(bytes) }
      }
    })
    let read = 0
    let most = 0
    const order = { count: 768, bytes: 64 * 1024 }
    for await (const { content } of client.services.rpc.stream(server.peerId, deliver(), order)) {
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
      read += content.byteLength
      most = Math.max(most, sent - read)
    }
    assert.equal(read, 48 * MIB)
    assert.ok(most > 0)
    assert.ok(most <= 6 * MIB, `the sender was ${most / MIB} MiB ahead`)
  })

  test('a reader that waits long loses nothing', async (context) => {
    const { client, server } = await startTwoNodes(context)
    let sent = 0
    server.services.rpc.handle(deliver(), async function* ({ count, bytes }) {
      for (let number = 1; number <= count; number++) {
        sent = number
        yield { number, content: new Uint8Array(bytes).fill(number) }
      }
    })
    const parcels = client.services.rpc.stream(server.peerId, deliver(), { count: 200, bytes: 100_000 })
    await parcels.next()
    for (let before = -1, quiet = 0; quiet < 200; quiet = sent === before ? quiet + 1 : 0) {
      before = sent
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(sent < 100, `${sent} of 200 sent to a reader that does not read`)
    let number = 1
    for await (const parcel of parcels) {
      number += 1
      assert.equal(parcel.number, number)
      assert.equal(parcel.content.at(-1), number % 256)
    }
    assert.equal(number, 200)
  })
})
