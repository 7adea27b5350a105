import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heldMemory } from './held-memory.ts'

const MIB = 1024 * 1024

test('what is kept counts, on the heap and beside it, and garbage does not', async () => {
  const before = await heldMemory()
  const kept = { buffer: Buffer.alloc(64 * MIB, 1), numbers: Array.from({ length: 4 * MIB }, (_, at) => at + 0.5) }
  const full = await heldMemory()
  assert.ok(full.anonymousBytes - before.anonymousBytes > 80 * MIB, JSON.stringify({ before, full }))
  assert.ok(full.heapBytes - before.heapBytes > 80 * MIB, JSON.stringify({ before, full }))
  kept.buffer = Buffer.alloc(0)
  kept.numbers = []
  const after = await heldMemory()
  assert.ok(after.anonymousBytes - before.anonymousBytes < 30 * MIB, JSON.stringify({ before, after }))
  assert.ok(after.heapBytes - before.heapBytes < 30 * MIB, JSON.stringify({ before, after }))
})
