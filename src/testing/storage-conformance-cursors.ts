import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertRefused, openEmpty, openFilled } from './storage-conformance-fixture.ts'
import type { StoreUnderTest } from './store-under-test.ts'

const MEBIBYTE = 1024 * 1024

/** Positions of subscribers, and records of services. */
export function cursorTests(underTest: StoreUnderTest): void {
  describe('cursors', () => {
    it('are kept by name', async (t) => {
      const store = await openEmpty(t, underTest)
      assert.equal(await store.getCursor('executor'), undefined)
      assert.deepEqual(await store.listCursors(), new Map())
      await store.setCursor('executor', 0)
      await store.setCursor('exécuteur 2', Number.MAX_SAFE_INTEGER)
      assert.equal(await store.getCursor('executor'), 0)
      assert.deepEqual(
        await store.listCursors(),
        new Map([
          ['executor', 0],
          ['exécuteur 2', Number.MAX_SAFE_INTEGER]
        ])
      )
    })

    it('move forwards and back', async (t) => {
      const store = await openEmpty(t, underTest)
      for (const position of [300, 7, 70_000_000_000]) {
        await store.setCursor('executor', position)
        assert.equal(await store.getCursor('executor'), position)
      }
    })

    it('are forgotten one by one', async (t) => {
      const store = await openEmpty(t, underTest)
      for (const name of ['a', 'ab', 'b']) await store.setCursor(name, 1)
      await store.deleteCursor('a')
      await store.deleteCursor('never was')
      assert.equal(await store.getCursor('a'), undefined)
      assert.deepEqual([...(await store.listCursors()).keys()].sort(), ['ab', 'b'])
    })

    it('refuse what is no position or no name', async (t) => {
      const store = await openEmpty(t, underTest)
      for (const position of [-1, 0.5, Number.NaN, 2 ** 53]) {
        await assertRefused(store.setCursor('executor', position), 'STORAGE_INVALID_ARGUMENT')
      }
      for (const name of ['', 'x'.repeat(256)]) {
        await assertRefused(store.setCursor(name, 1), 'STORAGE_INVALID_ARGUMENT')
      }
      assert.deepEqual(await store.listCursors(), new Map())
    })

    it('hold back nothing by themselves', async (t) => {
      const store = await openFilled(t, underTest, 10)
      await store.setCursor('executor', 2)
      assert.equal(await store.prune(8), 8)
      assert.equal(await store.getCursor('executor'), 2)
    })
  })

  describe('records', () => {
    it('are kept by name, apart from cursors', async (t) => {
      const store = await openEmpty(t, underTest)
      assert.equal(await store.getRecord('bans'), undefined)
      await store.setRecord('bans', Uint8Array.of(1, 2, 3))
      await store.setCursor('bans', 9)
      await store.setRecord('peers', new Uint8Array(0))
      assert.deepEqual(await store.getRecord('bans'), Uint8Array.of(1, 2, 3))
      assert.deepEqual(await store.getRecord('peers'), new Uint8Array(0))
      await store.setRecord('bans', Uint8Array.of(4))
      assert.deepEqual(await store.getRecord('bans'), Uint8Array.of(4))
      assert.deepEqual(await store.listCursors(), new Map([['bans', 9]]))
    })

    it('hold a mebibyte and no more', async (t) => {
      const store = await openEmpty(t, underTest)
      const most = new Uint8Array(MEBIBYTE).fill(7)
      await store.setRecord('peers', most)
      await assertRefused(store.setRecord('peers', new Uint8Array(MEBIBYTE + 1)), 'STORAGE_INVALID_ARGUMENT')
      assert.deepEqual(await store.getRecord('peers'), most)
    })
  })
}
