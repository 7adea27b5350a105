import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type MeasuredAnswer, SpeedMeter } from '../../src/peers/speed-meter.ts'
import { ManualClock } from './manual-clock.ts'

const MIB = 1024 * 1024

function setUp(capacity = 10) {
  const clock = new ManualClock()
  const meter = new SpeedMeter({ clock, capacity })
  const add = (bytes: number, firstByteMs: number, milliseconds: number, changes: Partial<MeasuredAnswer> = {}) =>
    meter.add('a', { bytes, firstByteMs, milliseconds, isWhole: true, ...changes })
  return { clock, meter, add }
}

describe('SpeedMeter', () => {
  it('tells latency and rate apart', () => {
    const { meter, add } = setUp()
    assert.equal(meter.speed('a'), undefined)
    add(MIB, 100, 1_100)
    assert.deepEqual(meter.speed('a'), { latencyMs: 100, bytesPerSecond: MIB, hasAnswered: true })
  })

  it('takes no rate from small answers, however many', () => {
    const { meter, add } = setUp()
    add(1_000, 50, 50)
    assert.deepEqual(meter.speed('a'), { latencyMs: 50, bytesPerSecond: undefined, hasAnswered: true })
    add(8 * MIB, 50, 1_050)
    for (let count = 0; count < 1_000; count++) add(1_000, 40, 50)
    assert.equal(Math.round(meter.speed('a')?.latencyMs ?? 0), 50)
    assert.equal(meter.speed('a')?.bytesPerSecond, 8 * MIB)
  })

  it('hides no delay after the first byte of a small answer', () => {
    const { meter, add } = setUp()
    add(1_000, 1, 30_000)
    assert.equal(meter.speed('a')?.latencyMs, 30_000)
  })

  it('lets what was long ago fade, by bytes', () => {
    const { meter, add } = setUp()
    add(MIB, 0, 10)
    for (let count = 0; count < 20; count++) add(MIB, 0, 1_000)
    assert.ok((meter.speed('a')?.bytesPerSecond ?? 0) < 1.01 * MIB)
  })

  it('never finds a peer faster for an answer that did not come whole', () => {
    const { meter, add } = setUp()
    add(10, 1, 1, { isWhole: false })
    assert.deepEqual(meter.speed('a'), { latencyMs: 1_000, bytesPerSecond: undefined, hasAnswered: false })
    for (let count = 0; count < 100; count++) add(1_000, 500, 500)
    add(10, 1, 1, { isWhole: false })
    assert.equal(Math.round(meter.speed('a')?.latencyMs ?? 0), 500)
    add(0, 4_000, 4_000, { isWhole: false })
    assert.equal(meter.speed('a')?.latencyMs, 4_000)
  })

  it('gives a finite rate for what came in no time', () => {
    const { meter, add } = setUp()
    add(MIB, 0, 0)
    assert.equal(meter.speed('a')?.bytesPerSecond, MIB * 1_000)
  })

  it('forgets who was not asked for long, and beyond the capacity who was asked longest ago', () => {
    const { clock, meter } = setUp(2)
    for (const key of ['a', 'b', 'c']) meter.add(key, { bytes: 1, firstByteMs: 1, milliseconds: 1, isWhole: true })
    const known = () => ['a', 'b', 'c'].filter((key) => meter.speed(key) !== undefined)
    assert.deepEqual(known(), ['b', 'c'])
    clock.advance(6 * 60_000)
    assert.deepEqual(known(), [])
  })
})
