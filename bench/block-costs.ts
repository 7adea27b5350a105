import { join } from 'node:path'
import { blake2b } from '@noble/hashes/blake2.js'
import { blockMessage } from '../src/consensus/block.ts'
import { digestOf } from '../src/consensus/digest.ts'
import { intentPrefix } from '../src/consensus/intent.ts'
import { DIGEST_LENGTH } from '../src/consensus/limits.ts'
import { blockPayload, blockSignature } from '../src/consensus/signed-block.ts'
import { openLevelStore } from '../src/index.ts'
import { type NativeSodium, nativeSodium } from '../src/runtime/native-sodium.ts'
import { ScriptedConsensus, storeWriteOf } from '../src/testing/index.ts'
import { portableVerify } from '../src/verify/ed25519-portable.ts'
import type { BenchChain } from './bench-chain.ts'

/** CPU seconds that one block costs, by part, on one core with nothing around it. */
export interface BlockCosts {
  /** One native Ed25519 check. */
  readonly signature: number
  /** One BLAKE2b-256 digest. */
  readonly digest: number
  /** Encrypting it and decrypting it again in place, natively, in noise's largest frames. */
  readonly encryption: number
  readonly decode: number
  /** One read from a store, at the server. */
  readonly read: number
  /** One durable write in a batch of 100 commits, with the database's own threads. */
  readonly write: number
}

/** Commits that the costs are measured on: some seconds' worth, held in memory. */
const SAMPLE_COMMITS = 1_000
/** Commits of one write: what a sync stores at once. */
const COMMITS_OF_A_WRITE = 100
const NOISE_FRAME_BYTES = 65_519

/** Measures the costs on blocks of the chain. It takes a few seconds, and leaves a store in the directory. */
export async function measureBlockCosts(chain: BenchChain, directory: string): Promise<BlockCosts> {
  const { genesis, keys, options } = chain
  const consensus = new ScriptedConsensus({ genesis, keys, seed: 1, ...options })
  const commits = Array.from({ length: Math.min(SAMPLE_COMMITS, options.commits) }, () => consensus.nextCommit())
  const blocks = commits.flatMap(({ subDag }) => subDag.blocks)
  const bytes = blocks.map((block) => block.bytes)
  const sodium = nativeSodium
  if (sodium === undefined) throw new Error('no native library for signatures on this platform')
  const prefix = intentPrefix('block', genesis.chainId)
  const signed = blocks.map(({ ref, bytes }) => ({
    signature: blockSignature(bytes),
    message: Buffer.concat([prefix, blockPayload(bytes)]),
    publicKey: genesis.committee.validators[ref.author]?.protocolKey ?? new Uint8Array(32)
  }))
  const signature = await cpuSeconds(() => {
    for (const { signature, message, publicKey } of signed) {
      if (!sodium.crypto_sign_verify_detached(signature, message, publicKey)) throw new Error('a false signature')
    }
  })
  const digest = await cpuSeconds(() => {
    for (const block of bytes) digestOf('block', block)
  })
  const decode = await cpuSeconds(() => {
    for (const block of bytes) blockMessage.decode(blockPayload(block))
  })
  const joined = Buffer.concat(bytes)
  const encryption = await cpuSeconds(() => encryptAndDecrypt(sodium, joined))
  const store = await openLevelStore(join(directory, `store-${process.hrtime.bigint()}`), { genesis })
  try {
    const writes = Array.from({ length: Math.ceil(commits.length / COMMITS_OF_A_WRITE) }, (_, index) =>
      storeWriteOf(commits.slice(index * COMMITS_OF_A_WRITE, (index + 1) * COMMITS_OF_A_WRITE))
    )
    const write = await cpuSeconds(
      async () => {
        for (const { commits } of writes) await store.write({ commits })
      },
      { times: 1 }
    )
    const read = await cpuSeconds(async () => {
      for (const { commits } of writes) {
        await store.getBlocks(commits.flatMap(({ blocks }) => blocks.map(({ ref }) => ref)))
      }
    })
    const each = (seconds: number) => seconds / blocks.length
    return {
      signature: each(signature),
      digest: each(digest),
      encryption: each(encryption),
      decode: each(decode),
      read: each(read),
      write: each(write)
    }
  } finally {
    await store.close()
  }
}

/** Blocks a second that so many cores can do at most, servers and client together. */
export function machineLimit(costs: BlockCosts, cores: number, options: { signatures: boolean }): number {
  const { signature, digest, encryption, decode, read, write } = costs
  return cores / ((options.signatures ? signature : 0) + digest + encryption + decode + read + write)
}

/** Blocks a second of the pipeline that nobody should have: each block decoded, digested and verified in JavaScript, one after the other on one thread. */
export function naiveRate(chain: BenchChain): number {
  const { genesis, keys, options } = chain
  const consensus = new ScriptedConsensus({ genesis, keys, seed: 1, ...options })
  const prefix = intentPrefix('block', genesis.chainId)
  const blocks = Array.from({ length: 100 }, () => consensus.nextCommit()).flatMap(({ subDag }) => subDag.blocks)
  const begun = performance.now()
  for (const { bytes } of blocks) {
    const { author } = blockMessage.decode(blockPayload(bytes))
    blake2b(bytes, { dkLen: DIGEST_LENGTH })
    const key = genesis.committee.validators[author]?.protocolKey ?? new Uint8Array(32)
    const message = Buffer.concat([prefix, blockPayload(bytes)])
    if (!portableVerify(key, message, blockSignature(bytes))) throw new Error('a false signature')
  }
  return blocks.length / ((performance.now() - begun) / 1_000)
}

function encryptAndDecrypt(sodium: NativeSodium, bytes: Uint8Array): void {
  const key = new Uint8Array(32).fill(1)
  const nonce = new Uint8Array(12)
  const tag = new Uint8Array(16)
  const none = new Uint8Array()
  for (let start = 0; start < bytes.byteLength; start += NOISE_FRAME_BYTES) {
    const frame = bytes.subarray(start, start + NOISE_FRAME_BYTES)
    sodium.crypto_aead_chacha20poly1305_ietf_encrypt_detached(frame, tag, frame, none, null, nonce, key)
    sodium.crypto_aead_chacha20poly1305_ietf_decrypt_detached(frame, null, frame, tag, none, nonce, key)
  }
}

/** Of all threads of this process, the mean of several times after a first one for the compiler, or of a single time. */
async function cpuSeconds(work: () => void | Promise<void>, { times = 3 } = {}): Promise<number> {
  if (times > 1) await work()
  const before = process.cpuUsage()
  for (let time = 0; time < times; time++) await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6 / times
}
