import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Admission, type AdmissionLimits } from '../../src/rpc/admission.ts'
import { ManualClock } from '../peers/manual-clock.ts'

const LIMITS: AdmissionLimits = {
  maxInFlightPerPeer: 4,
  maxInFlight: 64,
  requestsPerSecond: 1_000,
  requestBurst: 1_000
}
const by = (key: string, { protocol = 'fetch', isReserved = false } = {}) => ({ asker: { key, isReserved }, protocol })

function admission(limits: Partial<AdmissionLimits> = {}) {
  const clock = new ManualClock()
  return { clock, admission: new Admission({ ...LIMITS, ...limits }, clock) }
}

/** Lets in as many requests as will go. */
function fill(target: Admission, key: string, options?: { protocol?: string; isReserved?: boolean }): number {
  let count = 0
  while (target.enter(by(key, options)) === undefined) count += 1
  return count
}

describe('Admission', () => {
  test('bounds the requests of a peer under way, protocol by protocol, until one ends', () => {
    const { admission: target } = admission()
    assert.equal(fill(target, 'a'), 4)
    const refused = target.enter(by('a'))
    assert.equal(refused?.code, 'RPC_RATE_LIMITED')
    assert.ok((refused?.retryAfterMs ?? 0) > 0)
    assert.equal(target.enter(by('a', { protocol: 'push' })), undefined)
    target.leave(by('a'))
    assert.equal(fill(target, 'a'), 1)
    assert.equal(target.inFlight, 5)
  })

  test('has room for one who has nothing under way, however many others ask as much as they can', () => {
    const { admission: target } = admission({ maxInFlightPerPeer: 64, maxInFlight: 256 })
    const greedy = Array.from({ length: 50 }, (_, index) => by(`greedy-${index}`))
    const counts = new Map(greedy.map((request) => [request, 0]))
    for (let isFull = false; !isFull; ) {
      isFull = true
      for (const request of greedy) {
        if (target.enter(request) !== undefined) continue
        counts.set(request, (counts.get(request) ?? 0) + 1)
        isFull = false
      }
    }
    const each = [...counts.values()]
    assert.ok(Math.max(...each) - Math.min(...each) <= 1, `${each}`)
    assert.ok(Math.min(...each) > 0)
    assert.equal(target.enter(by('newcomer')), undefined)
  })

  test('keeps a quarter of its room for reserved peers', () => {
    const { admission: target } = admission()
    let strangers = 0
    while (target.enter(by(`stranger-${strangers}`)) === undefined) strangers += 1
    assert.equal(strangers, 48)
    let reserved = 0
    while (target.enter(by(`reserved-${reserved}`, { isReserved: true })) === undefined) reserved += 1
    assert.equal(reserved, 16)
    target.leave(by('stranger-0'))
    assert.equal(target.enter(by('stranger-0')), undefined)
  })

  test('says when the rate allows the next request', () => {
    const { admission: target, clock } = admission({ requestsPerSecond: 4, requestBurst: 1 })
    assert.equal(target.enter(by('a')), undefined)
    assert.equal(target.enter(by('a'))?.retryAfterMs, 250)
    clock.advance(250)
    assert.equal(target.enter(by('a')), undefined)
  })

  test('charges what is asked for, by the protocol’s own rate', () => {
    const { admission: target, clock } = admission()
    const request = { ...by('a'), rate: { perSecond: 10, burst: 30 } }
    assert.equal(target.enter(request), undefined)
    assert.equal(target.charge(request, 20), undefined)
    assert.equal(target.charge(request, 20)?.retryAfterMs, 1_100)
    clock.advance(1_100)
    assert.equal(target.charge(request, 20), undefined)
    assert.equal(target.charge({ ...by('b'), rate: request.rate }, 30), undefined, 'another peer has its own')
  })

  test('refuses whom it put off, until then', () => {
    const { admission: target, clock } = admission()
    target.putOff({ key: 'slow', isReserved: false }, 10_000)
    assert.equal(target.enter(by('slow'))?.retryAfterMs, 10_000)
    assert.equal(target.enter(by('other')), undefined)
    clock.advance(10_000)
    assert.equal(target.enter(by('slow')), undefined)
  })

  test('tells who does not listen by a hundred refusals, unless they are spread over time', () => {
    const { admission: target, clock } = admission()
    const deaf = { key: 'deaf', isReserved: false }
    for (let count = 0; count < 100; count++) assert.equal(target.refused(deaf), false)
    assert.equal(target.refused(deaf), true)
    const patient = { key: 'patient', isReserved: false }
    for (let count = 0; count < 300; count++) {
      assert.equal(target.refused(patient), false)
      clock.advance(100)
    }
  })
})
