import { type Genesis, genesisCommitRef } from '../consensus/genesis.ts'
import { DIGEST_LENGTH } from '../consensus/limits.ts'
import { bytesEqual, toHex } from '../runtime/hex.ts'
import { encodeTip } from './chain-state.ts'
import { Database, type DatabaseInit } from './database.ts'
import { encodeNumber, FORMAT_VERSION, formatKey, lowestKey, tipKey } from './keys.ts'
import { LevelCommitStore } from './level-commit-store.ts'
import { StorageError } from './storage-error.ts'

/** The version is the first that a database says of itself. */
const VERSION_BYTES = 4

/** What every store is opened with. */
export interface StoreInit {
  /** The chain. A store made for another one is refused. */
  readonly genesis: Genesis
}

/** Opens a store in a database of the abstract-level family, which is the store's from then on, and makes it where it is empty. */
export async function openStore(database: DatabaseInit, { genesis }: StoreInit): Promise<LevelCommitStore> {
  const opened = await Database.open(database)
  try {
    await checkFormat(opened, genesis)
    return await LevelCommitStore.load(opened, genesis)
  } catch (thrown) {
    await opened.close()
    throw thrown
  }
}

/** Compares what the database says that it is, or says it in an empty one, together with the watermarks of the genesis. */
async function checkFormat(database: Database, genesis: Genesis): Promise<void> {
  const expected = encodeFormat(genesis)
  const found = await database.peek(formatKey)
  if (found === undefined) {
    const everything = { gte: Uint8Array.of(0), lt: new Uint8Array(8).fill(0xff) }
    const [any] = await database.keys({ ...everything, limit: 1 })
    if (any !== undefined) throw wrongVersion(database, 'holds something else than a chain of soma-p2p')
    await database.write([
      { type: 'put', key: formatKey, value: expected },
      { type: 'put', key: tipKey, value: encodeTip(genesisCommitRef(genesis)) },
      { type: 'put', key: lowestKey, value: encodeNumber(1) }
    ])
    return
  }
  // Of another format nothing is known but where its version stands.
  if (!bytesEqual(found.subarray(0, VERSION_BYTES), expected.subarray(0, VERSION_BYTES))) {
    const version =
      found.byteLength < VERSION_BYTES ? 'an unknown format' : `format ${Buffer.from(found).readUInt32BE()}`
    throw wrongVersion(database, `was written in ${version}, and this is format ${FORMAT_VERSION}`)
  }
  const format = (await database.get(formatKey)) as Uint8Array
  if (!bytesEqual(format, expected)) {
    const [theirs, ours] = [format, expected].map((each) => toHex(each.subarray(-DIGEST_LENGTH)).slice(0, 16))
    throw new StorageError(
      'STORAGE_WRONG_CHAIN',
      `${database.where} belongs to chain ${theirs}, and the genesis is that of chain ${ours}: use another directory, or the other genesis`
    )
  }
}

function encodeFormat(genesis: Genesis): Uint8Array {
  const version = Buffer.alloc(VERSION_BYTES)
  version.writeUInt32BE(FORMAT_VERSION)
  return Buffer.concat([version, genesis.chainId])
}

function wrongVersion(database: Database, why: string): StorageError {
  return new StorageError(
    'STORAGE_WRONG_VERSION',
    `${database.where} ${why}: use the version of soma-p2p that wrote it, or another directory`
  )
}
