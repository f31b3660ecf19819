console.log('cli', process.argv.slice(2), process.version)
