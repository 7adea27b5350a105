#!/usr/bin/env node
import * as nodeModule from 'node:module'
import { inCheckout, requireNode } from './require-node.mjs'

requireNode()

// Compiled code is kept between runs: it halves the start, of the processes of a devnet too. Without a place for it nothing is lost.
if (nodeModule.enableCompileCache !== undefined) {
  nodeModule.enableCompileCache()
  const cache = nodeModule.getCompileCacheDir()
  if (cache !== undefined) process.env.NODE_COMPILE_CACHE = cache
}

// Node strips types everywhere but within node_modules, where the published package lies: it brings JavaScript.
import(inCheckout ? './cli/main.ts' : '../dist/examples/cli/main.js').then(
  (cli) =>
    cli.main(process.argv.slice(2)).then((exitCode) => {
      process.exitCode = exitCode
      cli.endWhenIdle()
    }),
  (error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    console.error(`soma-p2p is not installed whole (${error.message}): run "npm ci" first.`)
    process.exitCode = 1
  }
)
