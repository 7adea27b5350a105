import { readFileSync } from 'node:fs'
import { fromHex } from '../../src/runtime/hex.ts'

/** Reads a file of test vectors. */
export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../protocols/vectors/${name}.json`, import.meta.url), 'utf8'))
}

/** All values of keys so named, at any depth of the test vectors, as bytes. */
export function vectorBytes(name: string, key: string): Uint8Array[] {
  const found: Uint8Array[] = []
  collect(readVectors<unknown>(name), key, found)
  return found
}

function collect(value: unknown, key: string, found: Uint8Array[]): void {
  if (typeof value !== 'object' || value === null) return
  for (const [name, child] of Object.entries(value)) {
    if (name === key && typeof child === 'string') found.push(fromHex(child))
    else if (name === key && Array.isArray(child) && child.every((item) => typeof item === 'string'))
      found.push(...child.map(fromHex))
    else collect(child, key, found)
  }
}
