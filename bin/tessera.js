#!/usr/bin/env node
/*
 * The way in. Plain old JavaScript, so that any Node.js from 12 on can read it and say which one is needed.
 */
// biome-ignore-all lint/style/useNodejsImportProtocol: old versions do not know the protocol
// biome-ignore-all lint/suspicious/noVar: as old as can be
// biome-ignore-all lint/complexity/useArrowFunction: as old as can be
// biome-ignore-all lint/style/useTemplate: as old as can be
'use strict'

var fs = require('fs')
var os = require('os')
var path = require('path')
var url = require('url')

var NEEDED = [22, 20]

var root = path.join(__dirname, '..')

var version = process.versions.node.split('.').map(Number)
if (version[0] < NEEDED[0] || (version[0] === NEEDED[0] && version[1] < NEEDED[1])) startWithNewerNode()
else start()

/** Starts this program again with the Node.js that `npm ci` brought, passes signals on, and ends as it ends. */
function startWithNewerNode() {
  var newer = path.join(root, 'node_modules', 'node-linux-' + process.arch, 'bin', 'node')
  if (!fs.existsSync(newer)) {
    console.error(
      'Tessera needs Node.js ' +
        NEEDED.join('.') +
        ' or newer, and this is ' +
        process.versions.node +
        ': install Node.js 24.',
    )
    process.exit(1)
  }
  var child = require('child_process').spawn(newer, [__filename].concat(process.argv.slice(2)), {
    stdio: 'inherit',
  })
  ;['SIGTERM', 'SIGINT', 'SIGHUP'].forEach(function (signal) {
    process.on(signal, function () {
      // A terminal sends the others to both.
      if (signal === 'SIGTERM' || !process.stdout.isTTY) child.kill(signal)
    })
  })
  child.on('exit', function (code) {
    process.exit(code === null ? 1 : code)
  })
}

function start() {
  // DNS, files, password hashing and cryptography share the thread pool, whose size is read once, before its first use.
  if (!process.env.UV_THREADPOOL_SIZE) {
    process.env.UV_THREADPOOL_SIZE = String(Math.max(4, Math.min(2 * os.cpus().length, 64)))
  }

  // Node.js 22 warns of its stripping of types with every start, later ones when the types of the page at `/` are stripped.
  process.removeAllListeners('warning')
  process.on('warning', function (warning) {
    if (warning.name !== 'ExperimentalWarning') console.error(warning.stack || String(warning))
  })

  // What a start makes mostly stays: a young generation that grew for it would cost 25 MB and be of no use afterwards.
  // The server lets it grow once it listens (src/young-generation.ts).
  require('v8').setFlagsFromString('--semi-space-growth-factor=1')

  // On two cores the threads that help to collect it wait for one of them, in the middle of their work, and the server for them.
  if (os.cpus().length <= 2) require('v8').setFlagsFromString('--no-parallel-scavenge')

  // `npm start` puts the sources together first (scripts/bundle.ts), and says here where; the systemd unit where `npm run build` has.
  var main = [
    process.env.TESSERA_BUNDLE,
    path.join(root, 'src', 'main.ts'),
    path.join(root, 'dist', 'bundle', 'main.js'),
  ].filter(function (each) {
    return each && fs.existsSync(each)
  })[0]

  require('module').enableCompileCache(
    process.env.NODE_COMPILE_CACHE || path.join(root, 'node_modules', '.cache', 'node'),
  )

  import(url.pathToFileURL(main).href).then(
    module => module.main(),
    error => {
      console.error(error)
      process.exit(1)
    },
  )
}
