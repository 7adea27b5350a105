import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Mailbox } from '../../src/runtime/mailbox.ts'

async function collect<T>(mailbox: Mailbox<T>): Promise<T[]> {
  const messages: T[] = []
  for await (const message of mailbox) messages.push(message)
  return messages
}

describe('Mailbox', () => {
  it('hands over in order what came before and while it was read', async () => {
    const mailbox = new Mailbox<number>()
    mailbox.post(1)
    const collected = collect(mailbox)
    mailbox.post(2)
    await Promise.resolve()
    mailbox.post(3)
    mailbox.close()
    assert.deepEqual(await collected, [1, 2, 3])
  })

  it('wakes a consumer that waits, by a message and by its end', async () => {
    const mailbox = new Mailbox<string>()
    const messages = mailbox[Symbol.asyncIterator]()
    const first = messages.next()
    await new Promise(setImmediate) // let it fall asleep
    mailbox.post('a')
    assert.deepEqual(await first, { value: 'a', done: false })
    const last = messages.next()
    await new Promise(setImmediate)
    mailbox.close()
    assert.deepEqual(await last, { value: undefined, done: true })
  })

  it('counts what it has taken out and its consumer has not got yet', async () => {
    const mailbox = new Mailbox<number>({ capacity: 3 })
    for (const message of [1, 2, 3]) mailbox.post(message)
    const messages = mailbox[Symbol.asyncIterator]()
    assert.deepEqual(await messages.next(), { value: 1, done: false })
    assert.equal(mailbox.size, 2)
    assert.equal(mailbox.post(4), true)
    assert.equal(mailbox.post(5), false)
    mailbox.close()
    assert.deepEqual(await collect(mailbox), [2, 3, 4])
    assert.equal(mailbox.size, 0)
  })

  it('drops the newest when it is full, and says so', async () => {
    const mailbox = new Mailbox<number>({ capacity: 2 })
    assert.deepEqual(
      [1, 2, 3].map((message) => mailbox.post(message)),
      [true, true, false]
    )
    assert.deepEqual([mailbox.size, mailbox.dropped], [2, 1])
    mailbox.close()
    assert.deepEqual(await collect(mailbox), [1, 2])
  })

  it('drops the oldest when that is wanted', async () => {
    const mailbox = new Mailbox<number>({ capacity: 2, overflow: 'drop-oldest' })
    assert.deepEqual(
      [1, 2, 3].map((message) => mailbox.post(message)),
      [true, true, false]
    )
    mailbox.close()
    assert.deepEqual(await collect(mailbox), [2, 3])
  })

  it('holds 1,024 messages unless told otherwise', () => {
    const mailbox = new Mailbox<number>()
    for (let i = 0; i < 1_024; i++) assert.ok(mailbox.post(i))
    assert.ok(!mailbox.post(1_024))
  })

  it('takes nothing after its close', async () => {
    const mailbox = new Mailbox<number>()
    mailbox.close()
    mailbox.close()
    assert.ok(!mailbox.post(1))
    assert.deepEqual(await collect(mailbox), [])
  })
})
