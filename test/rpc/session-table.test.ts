import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SessionTable } from '../../src/rpc/session-table.ts'

function session(isAnswering = false) {
  return {
    isAnswering,
    isAborted: false,
    abort() {
      this.isAborted = true
    }
  }
}

describe('streams that are served', () => {
  test('are bounded for each peer', () => {
    const table = new SessionTable({ maxPerPeer: 2, max: 100 })
    assert.deepEqual(
      [1, 2, 3].map(() => table.add('a', session())),
      [true, true, false]
    )
    assert.equal(table.add('b', session()), true)
    assert.equal(table.size, 3)
  })

  test('are bounded in all: the peer with the most loses one on which nothing is answered', () => {
    const table = new SessionTable({ maxPerPeer: 10, max: 4 })
    const [answering, idle, latest] = [session(true), session(), session()]
    for (const one of [answering, idle, latest]) table.add('hoarder', one)
    table.add('other', session())
    assert.equal(table.add('newcomer', session()), true)
    assert.deepEqual(
      [answering, idle, latest].map(({ isAborted }) => isAborted),
      [false, true, false]
    )
    assert.equal(table.size, 4)
  })

  test('are shed by the oldest where all are being answered', () => {
    const table = new SessionTable({ maxPerPeer: 10, max: 2 })
    const [first, second] = [session(true), session(true)]
    table.add('hoarder', first)
    table.add('hoarder', second)
    assert.equal(table.add('newcomer', session()), true)
    assert.deepEqual([first.isAborted, second.isAborted], [true, false])
  })

  test('of a peer with the most are not bought with those of others', () => {
    const table = new SessionTable({ maxPerPeer: 10, max: 3 })
    const others = [session(), session()]
    table.add('a', others[0] ?? session())
    table.add('b', others[1] ?? session())
    table.add('hoarder', session())
    assert.equal(table.add('hoarder', session()), false)
    assert.deepEqual(
      others.map(({ isAborted }) => isAborted),
      [false, false]
    )
  })

  test('are forgotten when they are over, once', () => {
    const table = new SessionTable({ maxPerPeer: 1, max: 1 })
    const one = session()
    table.add('a', one)
    table.remove('a', one)
    table.remove('a', one)
    assert.equal(table.size, 0)
    assert.equal(table.add('b', session()), true)
  })
})
