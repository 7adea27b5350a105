import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeliveryMeter } from '../../src/peers/delivery-meter.ts'

test('a peer that delivered nothing has no speed', () => {
  assert.equal(new DeliveryMeter(10).bytesPerSecond('a'), undefined)
})

test('the speed is bytes a second', () => {
  const meter = new DeliveryMeter(10)
  meter.add('a', 4_000, 2_000)
  assert.equal(meter.bytesPerSecond('a'), 2_000)
})

test('a large delivery counts for more than many small ones', () => {
  const meter = new DeliveryMeter(10)
  meter.add('a', 1_000_000, 1_000)
  for (let i = 0; i < 3; i++) meter.add('a', 10, 10)
  assert.ok((meter.bytesPerSecond('a') ?? 0) > 900_000)
})

test('what a peer did long ago fades', () => {
  const meter = new DeliveryMeter(10)
  meter.add('a', 1_000_000, 1_000)
  for (let i = 0; i < 50; i++) meter.add('a', 1_000, 1_000)
  assert.ok((meter.bytesPerSecond('a') ?? 0) < 1_100)
})

test('a delivery in no time has a finite speed', () => {
  const meter = new DeliveryMeter(10)
  meter.add('a', 500, 0)
  assert.equal(meter.bytesPerSecond('a'), 500_000)
})

test('peers beyond the capacity push out the one that delivered longest ago', () => {
  const meter = new DeliveryMeter(2)
  for (const key of ['a', 'b', 'c']) meter.add(key, 1, 1)
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => meter.bytesPerSecond(key)),
    [undefined, 1_000, 1_000]
  )
})
