import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CertifierCopies, COPIES_WATCHED } from '../../src/storage/certifier-copies.ts'

describe('the watched copies of certifier blocks', () => {
  it('know for which commits a block was copied', () => {
    const copies = new CertifierCopies()
    copies.apply(
      {
        added: [
          { block: 'a', index: 5 },
          { block: 'a', index: 6 },
          { block: 'b', index: 6 }
        ],
        dropped: []
      },
      6
    )
    assert.deepEqual(copies.of('a'), [5, 6])
    assert.deepEqual(copies.of('b'), [6])
    assert.deepEqual(copies.of('c'), [])
  })

  it('forget a block that a commit holds', () => {
    const copies = new CertifierCopies()
    copies.apply(
      {
        added: [
          { block: 'a', index: 5 },
          { block: 'b', index: 5 }
        ],
        dropped: []
      },
      5
    )
    copies.apply({ added: [], dropped: ['a'] }, 6)
    assert.deepEqual(copies.of('a'), [])
    assert.deepEqual(copies.of('b'), [5])
  })

  it('are those of the last commits, however many blocks are never committed', () => {
    const copies = new CertifierCopies()
    for (let index = 1; index <= 3 * COPIES_WATCHED; index++) {
      copies.apply(
        {
          added: [
            { block: `only ${index}`, index },
            { block: 'always', index }
          ],
          dropped: []
        },
        index
      )
    }
    assert.equal(copies.size, COPIES_WATCHED + 2)
    assert.deepEqual(copies.of(`only ${2 * COPIES_WATCHED}`), [2 * COPIES_WATCHED])
    assert.deepEqual(copies.of(`only ${2 * COPIES_WATCHED - 1}`), [])
    assert.equal(copies.of('always').length, COPIES_WATCHED + 1)
  })
})
