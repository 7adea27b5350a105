import { MemoryLevel } from 'memory-level'
import type { CommitStore } from './commit-store.ts'
import type { ByteLevel } from './database.ts'
import { openStore, type StoreInit } from './open-store.ts'

/** A store in memory, gone when it is closed: for tests and for nodes that need no past. */
export function openMemoryStore(init: StoreInit): Promise<CommitStore> {
  return openStore({ level: createMemoryLevel(), where: 'the memory store' }, init)
}

/**
 * A database in memory that copies values on their way in and out. By itself it keeps the very arrays that it is given, which may be
 * views into buffers a thousand times their size, and hands the same to every reader.
 */
export function createMemoryLevel(): ByteLevel {
  const copied = {
    name: 'copied-view',
    format: 'view' as const,
    encode: (value: Uint8Array) => Uint8Array.from(value),
    decode: (value: Uint8Array) => Uint8Array.from(value)
  }
  return new MemoryLevel<Uint8Array, Uint8Array>({ storeEncoding: 'view', keyEncoding: 'view', valueEncoding: copied })
}
