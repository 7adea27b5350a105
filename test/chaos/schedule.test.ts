import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultKind } from './fault.ts'
import { makeSchedule } from './schedule.ts'

const cast = {
  validators: ['validator-0', 'validator-1', 'validator-2'],
  fullNodes: ['full-node-0', 'full-node-1'],
  liars: ['validator-3']
}
const durationMs = 600_000
const schedules = [1, 2, 3].map((seed) => makeSchedule({ ...cast, seed, durationMs }))

test('the same seed gives the same schedule, and another seed another', () => {
  assert.deepEqual(makeSchedule({ ...cast, seed: 1, durationMs }), schedules[0])
  assert.notDeepEqual(schedules[0], schedules[1])
})

test('ten minutes have faults of every kind, in order, all ended in time', () => {
  for (const schedule of schedules) {
    const kinds = new Set<FaultKind>(schedule.map(({ kind }) => kind))
    assert.equal(kinds.size, 8)
    assert.deepEqual(
      schedule.map(({ atMs }) => atMs),
      schedule.map(({ atMs }) => atMs).toSorted((a, b) => a - b)
    )
    for (const { atMs, forMs } of schedule) assert.ok(atMs + forMs <= durationMs)
  }
})

test('the first validator and the first full node live through it', () => {
  for (const fault of schedules.flat()) {
    if (fault.kind === 'kill' || fault.kind === 'join') assert.doesNotMatch(fault.node, /-0$/)
  }
})

test('a node is not killed while it is down, and a partition leaves more validators together than it cuts off', () => {
  for (const schedule of schedules) {
    const upAt = new Map<string, number>()
    for (const fault of schedule) {
      if (fault.kind === 'kill' || fault.kind === 'join') {
        assert.ok(fault.atMs > (upAt.get(fault.node) ?? -1))
        upAt.set(fault.node, fault.atMs + fault.forMs)
      }
      if (fault.kind === 'partition') {
        assert.ok(fault.nodes.filter((node) => node.startsWith('validator')).length < cast.validators.length / 2)
        assert.ok(fault.nodes.length > 0)
      }
    }
  }
})
