import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setImmediate as nextLoop } from 'node:timers/promises'
import { type ServingTurn, ServingTurns } from '../../src/rpc/serving-turns.ts'
import { ManualClock } from '../peers/manual-clock.ts'

const FRAME = 256 * 1024
const MIB = 1024 * 1024

function serving(context: TestContext, { maxBytes = 16 * MIB, isLate = false, isBusy = false } = {}) {
  const clock = new ManualClock()
  const turns = new ServingTurns({ clock, maxBytes, isLate: () => isLate, isBusy: () => isBusy })
  const order: string[] = []
  const shed: string[] = []
  const end = new AbortController()
  context.after(() => end.abort())
  return {
    clock,
    turns,
    /** Whose turns began, in order. */
    order,
    shed,
    async begin(key: string, { isReserved = false, signal = end.signal, bytes = FRAME } = {}): Promise<ServingTurn> {
      const turn = await turns.begin({ key, isReserved }, bytes, { signal, shed: () => shed.push(key) })
      order.push(key)
      return turn
    },
    /** Begins when it can, in the course of the test. */
    want(key: string, options: { isReserved?: boolean; bytes?: number } = {}): Promise<ServingTurn | undefined> {
      return this.begin(key, options).catch(() => undefined)
    },
    /** Makes a frame after the other, and has each taken at once. */
    async serve(key: string, frames: number, options?: { isReserved?: boolean }): Promise<void> {
      for (let count = 0; count < frames; count++) {
        const turn = await this.begin(key, options)
        turn.made(FRAME)
        turn.end()
      }
    }
  }
}

function count(order: readonly string[], key: string): number {
  return order.filter((other) => other === key).length
}

async function loops(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await nextLoop()
}

describe('turns of serving', () => {
  test('a peer with one answer gets as much as one with twenty', async (context) => {
    const room = serving(context)
    const greedy = Array.from({ length: 20 }, () => room.serve('greedy', 10))
    await room.serve('modest', 10)
    const { order } = room
    assert.ok(count(order, 'greedy') <= 13, `${count(order, 'greedy')} to 10`)
    await Promise.all(greedy)
  })

  test('a reserved peer gets four times as much as a stranger', async (context) => {
    const room = serving(context)
    const strangers = Array.from({ length: 4 }, () => room.serve('stranger', 100))
    await Promise.all(Array.from({ length: 4 }, () => room.serve('validator', 10, { isReserved: true })))
    assert.ok(count(room.order, 'stranger') <= 15, `${count(room.order, 'stranger')} to 40`)
    await Promise.all(strangers)
  })

  test('one turn of the event loop begins a frame, not more', async (context) => {
    const room = serving(context)
    for (let peer = 0; peer < 10; peer++) void room.want(`${peer}`)
    const begun: number[] = []
    while (room.order.length < 10) {
      const before = room.order.length
      await nextLoop()
      begun.push(room.order.length - before)
    }
    assert.ok(
      begun.slice(1).every((count) => count <= 1),
      `${begun}`
    )
  })

  test('a late loop begins less in a turn', async (context) => {
    for (const isLate of [false, true]) {
      const room = serving(context, { isLate })
      for (let peer = 0; peer < 200; peer++) void room.want(`${peer}`, { bytes: 4 * 1_024 })
      await nextLoop()
      const before = room.order.length
      await nextLoop()
      assert.equal(room.order.length - before, isLate ? 16 : 64)
    }
  })

  test('what was expected and did not come is begun by others in the same turn of the loop', async (context) => {
    const room = serving(context)
    for (let peer = 0; peer < 20; peer++) {
      void room.want(`${peer}`).then((turn) => {
        turn?.made(4 * 1_024)
        turn?.end()
      })
    }
    await loops(3)
    assert.equal(room.order.length, 20)
    assert.equal(room.turns.held, 0)
  })

  test('a busy node rests between frames, and serves all the same', async (context) => {
    const room = serving(context, { isBusy: true })
    const first = await room.begin('a')
    room.clock.advance(3)
    first.made(FRAME)
    first.end()
    const second = room.begin('a')
    await loops(5)
    assert.equal(room.order.length, 1, 'it rests twice as long as it worked')
    room.clock.advance(6)
    await second
  })

  test('bytes are bounded over all peers, strangers leave a quarter, and each may begin when others have gone', async (context) => {
    const room = serving(context, { maxBytes: 4 * MIB })
    const turns: ServingTurn[] = []
    for (let peer = 0; peer < 100; peer++) void room.want(`stranger ${peer}`).then((turn) => turn && turns.push(turn))
    await loops(120)
    assert.equal(room.turns.held, 3 * MIB)
    for (let peer = 0; peer < 10; peer++) void room.want(`validator ${peer}`, { isReserved: true })
    await loops(20)
    assert.equal(room.turns.held, 4 * MIB)
    for (const turn of turns.splice(0)) turn.end()
    await loops(30)
    assert.ok(turns.length > 0)
  })

  test('one peer alone leaves most of the room to others', async (context) => {
    const room = serving(context, { maxBytes: 4 * MIB })
    for (let answer = 0; answer < 50; answer++) void room.want('greedy')
    await loops(60)
    assert.ok(room.turns.held <= 1 * MIB, `${room.turns.held / MIB} MiB`)
    await room.begin('other')
  })

  test('a frame of any size is made when nothing else is held', async (context) => {
    const room = serving(context, { maxBytes: 1_024 })
    const turn = await room.begin('a')
    turn.made(4 * MIB)
    const next = room.begin('b')
    await loops(5)
    assert.deepEqual(room.order, ['a'])
    turn.end()
    await next
  })

  test('when there is no room, those who take theirs slowly are shed for who has nothing, and nobody while there is room', async (context) => {
    const room = serving(context, { maxBytes: 2 * MIB })
    const slow: ServingTurn[] = []
    for (let peer = 0; peer < 6; peer++) {
      const turn = await room.begin(`slow ${peer}`)
      turn.made(FRAME)
      slow.push(turn)
    }
    room.clock.advance(60_000)
    await loops(5)
    assert.deepEqual(room.shed, [])
    void room.want('honest')
    await loops(5)
    assert.deepEqual(room.shed, ['slow 0'])
    slow[0]?.end()
    await loops(5)
    assert.equal(room.order.at(-1), 'honest')
  })

  test('who takes its frames in time is never shed', async (context) => {
    const room = serving(context, { maxBytes: 2 * MIB })
    for (let peer = 0; peer < 6; peer++) (await room.begin(`${peer}`)).made(FRAME)
    room.clock.advance(4_900)
    void room.want('other')
    await loops(5)
    assert.deepEqual(room.shed, [])
  })

  test('who stops waiting holds nothing, and keeps nobody', async (context) => {
    const room = serving(context, { maxBytes: 1_024 })
    const first = await room.begin('a')
    const gone = new AbortController()
    const waiting = room.begin('b', { signal: gone.signal })
    gone.abort(new Error('gone'))
    await assert.rejects(waiting, { message: 'gone' })
    first.end()
    first.end()
    assert.equal(room.turns.held, 0)
    await room.begin('c')
    assert.deepEqual(room.order, ['a', 'c'])
  })
})
