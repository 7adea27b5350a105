import { readCommitPage } from './chain-reader.ts'
import { storedRefs } from './chain-state.ts'
import type { Database, Operation } from './database.ts'
import { blockKey, certifierCopyKey, certifiersKey, commitKey, commitRange, digestIndexKey, keyNumber } from './keys.ts'

/**
 * Deletes commits from `start` on and below `lowest`, with their blocks and certifiers: as many as one page holds, in one atomic write.
 *
 * @returns where to go on; `lowest` when there is nothing left
 */
export async function deletePage(database: Database, start: number, lowest: number): Promise<number> {
  const [first] = await database.keys({ ...commitRange(start, lowest - 1), limit: 1 })
  if (first === undefined) return lowest
  const operations: Operation[] = []
  let next = keyNumber(first)
  for (const { ref, commit } of await readCommitPage(database, next, lowest - 1)) {
    const list = await database.get(certifiersKey(ref.index))
    const certifiers = list === undefined ? [] : storedRefs(list, ref.index)
    for (const block of commit.blocks) remove(operations, blockKey(block))
    for (const certifier of certifiers) remove(operations, certifierCopyKey(certifier, ref.index))
    remove(operations, certifiersKey(ref.index))
    remove(operations, digestIndexKey(ref.digest))
    remove(operations, commitKey(ref.index))
    next = ref.index + 1
  }
  await database.write(operations)
  return next
}

function remove(operations: Operation[], key: Uint8Array): void {
  operations.push({ type: 'del', key })
}
