import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { randomInteger, seededRandom, shuffled, systemRandom } from '../../src/runtime/random.ts'
import { propertyOptions } from './property-options.ts'

describe('seededRandom', () => {
  it('gives the same numbers for the same seed, everywhere', () => {
    const random = seededRandom(1)
    assert.deepEqual(
      [0, 1, 2].map(() => randomInteger(random, 1_000_000)),
      [627_073, 2_735, 527_447]
    )
  })

  it('gives other numbers for another seed', () => {
    assert.notEqual(seededRandom(1).next(), seededRandom(2).next())
  })

  it('stays in [0, 1)', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const value = seededRandom(seed).next()
        assert.ok(value >= 0 && value < 1)
      }),
      propertyOptions
    )
  })
})

describe('randomInteger', () => {
  it('reaches every integer below the limit and no other', () => {
    const random = seededRandom(7)
    const seen = new Set(Array.from({ length: 500 }, () => randomInteger(random, 5)))
    assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4])
  })

  it('takes the system for a source', () => {
    assert.equal(randomInteger(systemRandom, 1), 0)
  })
})

describe('shuffled', () => {
  it('keeps the items and leaves the original alone', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
        const copy = [...items]
        assert.deepEqual(shuffled(seededRandom(seed), items).sort(), copy.toSorted())
        assert.deepEqual(items, copy)
      }),
      propertyOptions
    )
  })

  it('brings every item to every place', () => {
    const random = seededRandom(3)
    const firsts = new Set(Array.from({ length: 200 }, () => shuffled(random, ['a', 'b', 'c', 'd'])[0]))
    assert.equal(firsts.size, 4)
  })
})
