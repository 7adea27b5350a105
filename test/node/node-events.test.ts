import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type NodeEvent, NodeEvents } from '../../src/node/node-events.ts'
import { ManualClock } from '../peers/manual-clock.ts'

function setUp() {
  const clock = new ManualClock()
  const told: NodeEvent[] = []
  return { clock, told, events: new NodeEvents(clock, (event) => told.push(event)) }
}

it('the last hundred events are kept, each with its time, and each is told', () => {
  const { clock, told, events } = setUp()
  for (let epoch = 0; epoch < 150; epoch++) {
    events.add({ level: 'info', kind: 'epoch', text: `epoch ${epoch}` })
    clock.advance(20_000)
  }
  assert.equal(told.length, 150)
  assert.deepEqual(events.recent, told.slice(50))
  assert.equal(events.recent.at(-1)?.atMs, clock.now() - 20_000)
})

it('a flood of what peers cause is five lines a minute and their number; nothing else is held back by it', () => {
  const { clock, told, events } = setUp()
  for (let second = 0; second < 60; second++) {
    for (let peer = 0; peer < 10; peer++) {
      const text = `Qm${second}-${peer} is banned`
      events.add({ level: 'warn', kind: 'banned', text, peerId: 'Qm', data: { code: 'BLOCK_INVALID' } })
    }
    events.sum()
    clock.advance(1_000)
  }
  assert.equal(told.length, 5)
  for (const part of ['storage', 'chain'])
    events.add({ level: 'warn', kind: 'health', text: `${part} is degraded`, data: { part } })
  events.sum()
  assert.equal(told.length, 8)
  assert.equal(told[5]?.text, '595 more of this kind within a minute; the last: Qm59-9 is banned')
  assert.deepEqual(told[5]?.data, { code: 'BLOCK_INVALID', more: 595 })
  events.sum()
  events.add({ level: 'warn', kind: 'banned', text: 'QmB is banned' })
  assert.equal(told.length, 9, 'the next minute begins anew')
})

it('a flood that goes on for hours drives out its own events, not what happened before it', () => {
  const { clock, told, events } = setUp()
  events.add({ level: 'error', kind: 'halted', text: 'the sync halts' })
  events.add({ level: 'warn', kind: 'health', text: 'storage is degraded', data: { part: 'storage' } })
  for (let minute = 0; minute < 120; minute++) {
    for (let peer = 0; peer < 10; peer++) events.add({ level: 'warn', kind: 'banned', text: `${minute} ${peer}` })
    clock.advance(60_000)
  }
  assert.equal(events.recent.length, 100)
  assert.deepEqual(
    events.recent.slice(0, 2).map(({ kind }) => kind),
    ['halted', 'health']
  )
  assert.deepEqual(events.recent.slice(2), told.slice(-98), 'of the flood the newest')
})

it('the text of an event is one line, however long and whoever wrote it', () => {
  const { told, events } = setUp()
  events.add({ level: 'warn', kind: 'banned', text: `a\n\u001b[31mb${'c'.repeat(10_000)}` })
  assert.ok(told[0]?.text.startsWith('a [31mbc'))
  assert.equal(told[0]?.text.length, 2_000)
})
