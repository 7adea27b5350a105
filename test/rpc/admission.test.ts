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

  test('has limits that are a rate from its first request on', () => {
    assert.throws(() => admission({ requestsPerSecond: 0 }), RangeError)
    assert.throws(() => admission({ requestBurst: 0 }), RangeError)
  })

  test('charges what is asked for, by the protocol’s own rate', () => {
    const { admission: target, clock } = admission()
    const request = { ...by('a'), rate: { perSecond: 10, burst: 30 } }
    assert.equal(target.enter(request), undefined)
    assert.equal(target.charge(request, 21), undefined)
    assert.equal(target.charge(request, 21)?.retryAfterMs, 1_100)
    clock.advance(1_100)
    assert.equal(target.charge(request, 21), undefined)
    assert.equal(target.charge({ ...by('b'), rate: request.rate }, 30), undefined, 'another peer has its own')
  })

  test('counts the bytes of a request as well, whatever it asks for', () => {
    const { admission: target } = admission()
    const request = { ...by('a'), rate: { perSecond: 10, burst: 30 }, bytes: 80 * 1024 }
    assert.equal(target.enter(request), undefined)
    assert.equal(target.charge(request, 20), undefined, 'no more than its bytes')
    assert.equal(target.enter(request)?.retryAfterMs, 1_000)
    assert.equal(target.charge(request, 30), undefined, 'ten more than its bytes')
  })

  test('refuses whom it put off, until then', () => {
    const { admission: target, clock } = admission()
    target.putOff('slow', 10_000)
    assert.equal(target.enter(by('slow'))?.retryAfterMs, 10_000)
    assert.equal(target.enter(by('other')), undefined)
    clock.advance(10_000)
    assert.equal(target.enter(by('slow')), undefined)
  })

  test('remembers whom it told to wait, protocol by protocol', () => {
    const { admission: target, clock } = admission()
    target.tellToWait('a', 'fetch', 500)
    assert.deepEqual(
      [target.waitMs('a', 'fetch'), target.waitMs('a', 'push'), target.waitMs('b', 'fetch')],
      [500, 0, 0]
    )
    clock.advance(500)
    assert.equal(target.waitMs('a', 'fetch'), 0)
  })

  test('tells who does not listen by the requests that come while it should wait, unless they are spread over time', () => {
    const { admission: target, clock } = admission()
    for (let count = 0; count < 256; count++) assert.equal(target.unheeded('deaf', 10, 1_024), false)
    assert.equal(target.unheeded('deaf', 10, 1_024), true)
    for (let count = 0; count < 600; count++) {
      assert.equal(target.unheeded('patient', 10, 1_024), false)
      clock.advance(100)
    }
  })

  test('and by their bytes', () => {
    const { admission: target } = admission()
    for (let count = 0; count < 8; count++) assert.equal(target.unheeded('deaf', 1_024, 1_024), false)
    assert.equal(target.unheeded('deaf', 1, 1_024), true)
  })
})
