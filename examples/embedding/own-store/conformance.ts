// Every promise of `CommitStore`, asked of this one: node -C source --test examples/embedding/own-store/conformance.ts
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storageConformance } from 'soma-p2p/testing'
import { SqliteStore } from './sqlite-store.ts'

storageConformance({
  name: 'the SQLite store',
  async open(genesis) {
    const directory = await mkdtemp(join(tmpdir(), 'own-store-'))
    const open = () => new SqliteStore(join(directory, 'chain.sqlite'), { genesis })
    let store = open()
    return {
      store,
      async reopen() {
        await store.close()
        store = open()
        return store
      },
      async dispose() {
        await store.close()
        await rm(directory, { recursive: true })
      }
    }
  }
})
