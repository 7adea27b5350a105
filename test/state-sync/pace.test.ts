import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MeasuredAnswer } from '../../src/peers/speed-meter.ts'
import { Pace } from '../../src/state-sync/pace.ts'

function setUp() {
  let now = 0
  const pace = new Pace(() => now)
  const pass = (milliseconds: number) => {
    now += milliseconds
  }
  return { pace, pass }
}

describe('Pace', () => {
  it('finds a silent peer, once it was waited for long enough', async () => {
    const { pace, pass } = setUp()
    const answer = pace.watch({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) })
    void answer.next()
    await Promise.resolve()
    pass(999)
    assert.equal(pace.isBelow(1, 1_000), false)
    pass(1)
    assert.equal(pace.isBelow(1, 1_000), true)
  })

  it('finds a peer that sends messages, but too few bytes', async () => {
    const { pace, pass } = setUp()
    const answer = pace.watch(
      (async function* () {
        for (let count = 0; count < 10; count++) {
          pass(100)
          pace.arrived(10)
          yield count
        }
      })()
    )
    await Array.fromAsync(answer)
    assert.equal(pace.isBelow(101, 1_000), true)
  })

  it('counts bytes before a message is whole, and anew after each judgement', async () => {
    const { pace, pass } = setUp()
    const answer = pace.watch({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) })
    void answer.next()
    await Promise.resolve()
    pace.arrived(1_000_000)
    pass(1_000)
    assert.equal(pace.isBelow(1_000, 1_000), false)
    pass(1_000)
    assert.equal(pace.isBelow(1_000, 1_000), true)
  })

  it('blames nobody for the time that the consumer takes, nor for that after the end', async () => {
    const { pace, pass } = setUp()
    for await (const _ of pace.watch(
      (async function* () {
        yield 1
        yield 2
      })()
    )) {
      pass(10_000)
    }
    pass(10_000)
    assert.equal(pace.isBelow(1_000, 1_000), false)
  })

  it('measures each answer: its bytes, its first byte and how long it was waited for, whole or not', async () => {
    let now = 0
    const answers: MeasuredAnswer[] = []
    const pace = new Pace(
      () => now,
      (answer) => answers.push(answer)
    )
    const answer = async function* (isWhole: boolean) {
      now += 30
      pace.arrived(0)
      now += 20
      pace.arrived(1_000)
      yield 1
      now += 50
      pace.arrived(500)
      if (!isWhole) throw new Error('torn')
      yield 2
    }
    for await (const _ of pace.watch(answer(true))) now += 10_000
    await assert.rejects(Array.fromAsync(pace.watch(answer(false))))
    const measured = { bytes: 1_500, firstByteMs: 50, milliseconds: 100 }
    assert.deepEqual(answers, [
      { ...measured, isWhole: true },
      { ...measured, isWhole: false }
    ])
    assert.deepEqual([pace.waitedMs, pace.bytes], [200, 3_000])
  })

  it('measures the silence of an answer that was given up', async () => {
    let now = 0
    const answers: MeasuredAnswer[] = []
    const pace = new Pace(
      () => now,
      (answer) => answers.push(answer)
    )
    const next = async () => {
      now += 4_000
      throw new Error('given up')
    }
    await assert.rejects(Array.fromAsync(pace.watch({ [Symbol.asyncIterator]: () => ({ next }) })))
    assert.deepEqual(answers, [{ bytes: 0, firstByteMs: 4_000, milliseconds: 4_000, isWhole: false }])
  })
})
