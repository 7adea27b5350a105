import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type BlockRef, blockRefKey } from '../../src/consensus/block-ref.ts'
import { BlockRefMap } from '../../src/consensus/block-ref-map.ts'

/** Few places, so that authors equivocate and epochs repeat rounds. */
const blockRef: fc.Arbitrary<BlockRef> = fc.record({
  epoch: fc.nat(1),
  round: fc.constantFrom(1, 2, 2 ** 32 - 1),
  author: fc.constantFrom(0, 1, 999),
  digest: fc.nat(2).map((byte) => new Uint8Array(32).fill(byte))
})
const step = fc.record({ kind: fc.constantFrom('set', 'delete'), ref: blockRef, value: fc.nat() })

test('it maps as a map by the text of the references does', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const map = new BlockRefMap<number>()
      const model = new Map<string, number>()
      for (const { kind, ref, value } of steps) {
        if (kind === 'set') {
          map.set(ref, value)
          model.set(blockRefKey(ref), value)
        } else {
          assert.equal(map.delete(ref), model.delete(blockRefKey(ref)))
        }
        assert.equal(map.size, model.size)
        for (const { ref: each } of steps) {
          assert.equal(map.get(each), model.get(blockRefKey(each)))
          assert.equal(map.has(each), model.has(blockRefKey(each)))
        }
      }
      map.clear()
      assert.ok(map.size === 0 && steps.every(({ ref }) => !map.has(ref)))
    })
  )
})
