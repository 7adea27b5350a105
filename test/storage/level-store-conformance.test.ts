import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelStore } from '../../src/storage/level-store.ts'
import { storageConformance } from '../../src/testing/storage-conformance.ts'

storageConformance({
  name: 'the on-disk store',
  async open(genesis) {
    const path = await mkdtemp(join(tmpdir(), 'soma-level-store-'))
    let store = await openLevelStore(path, { genesis })
    return {
      store,
      async reopen() {
        await store.close()
        store = await openLevelStore(path, { genesis })
        return store
      },
      async dispose() {
        await store.close()
        await rm(path, { recursive: true })
      }
    }
  }
})
