/** A worker thread that verifies signatures with the native libraries and nothing around them. */
import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import type * as Blst from '@chainsafe/blst'
import { nativeSodium } from '../src/runtime/native-sodium.ts'
import type { NativeSignatures } from './transactions-limit.ts'

/** More gain nothing. */
const BATCH = 128

const blst = createRequire(import.meta.url)('@chainsafe/blst') as typeof Blst
const port = parentPort
if (port === null || nativeSodium === undefined) throw new Error('a worker thread with native libraries')
const sodium = nativeSodium
const { authorityKeys, transactions } = workerData as NativeSignatures
const pk = blst.aggregatePublicKeys(authorityKeys.map((key) => blst.PublicKey.fromBytes(key, true)))

port.on('message', () => {
  let areValid = transactions.every(({ sender, message, signature }) =>
    sodium.crypto_sign_verify_detached(signature, message, sender)
  )
  for (let start = 0; start < transactions.length; start += BATCH) {
    const sets = transactions.slice(start, start + BATCH).map(({ certified, aggregate }) => ({
      msg: certified,
      pk,
      sig: blst.Signature.fromBytes(aggregate, true, true)
    }))
    areValid &&= blst.verifyMultipleAggregateSignatures(sets)
  }
  port.postMessage(areValid)
  port.close()
})
port.postMessage('ready')
