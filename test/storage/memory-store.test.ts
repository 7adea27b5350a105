import { createMemoryLevel } from '../../src/storage/memory-store.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { storageConformance } from '../../src/testing/storage-conformance.ts'

storageConformance({
  name: 'the memory store',
  async open(genesis) {
    const level = createMemoryLevel() // keeps its content while it is closed, as long as it is held
    let store = await openStore({ level, where: 'memory' }, { genesis })
    return {
      store,
      async reopen() {
        await store.close()
        store = await openStore({ level, where: 'memory' }, { genesis })
        return store
      },
      dispose: () => store.close()
    }
  }
})
