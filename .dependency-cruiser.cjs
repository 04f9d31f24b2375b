// Who may import whom: a rule for each room and each package of .build/rooms.cjs, and the few that hold everywhere.
// test/import-rules.test.ts proves of every rule here that it can fail.
const { rooms, packages } = require('./.build/rooms.cjs');

const OURS = '^(core|gateway|scaler|controller|cli)/';
const PLANES = '^(gateway|scaler|controller|cli)/';
const IO = 'child_process|cluster|dgram|dns|fs|http|http2|https|net|tls|worker_threads';

const escape = (text) => text.replaceAll('.', '\\.');
const pathOf = (room) => (room.endsWith('.ts') ? `${escape(room)}$` : `${room}/`);
/** Rooms with rules of their own that are in `room`. */
const within = (room) =>
  Object.keys(rooms).filter((other) => other.startsWith(`${room}/`) && rooms[other].imports !== undefined);

const roomRules = Object.entries(rooms)
  .filter(([, { imports }]) => imports !== undefined)
  .map(([room, { owns, imports }]) => ({
    name: `${room} imports only what it may`,
    comment: owns,
    severity: 'error',
    from: { path: `^${room}/`, pathNot: within(room).map((inner) => `^${inner}/`) },
    to: { path: OURS, pathNot: [room, ...imports].map((one) => `^${pathOf(one)}`) },
  }));

const packageRules = Object.entries(packages).map(([name, owners]) => ({
  name: `${name} stays where it belongs`,
  severity: 'error',
  from: { pathNot: ['^test/', '^\\.build/', ...owners.map((room) => `^${room}/`)] },
  to: { path: `(^|/)node_modules/${name}/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...roomRules,
    ...packageRules,
    {
      name: 'no cycles',
      comment: 'The way of the data is one way.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'the contract does no I/O',
      severity: 'error',
      from: { path: '^core/contract/' },
      to: { dependencyTypes: ['core'], path: `^(node:)?(${IO})(/|$)` },
    },
    {
      name: 'only the command line starts a plane',
      comment: 'A main.ts is the root of its composition.',
      severity: 'error',
      from: { path: OURS, pathNot: '^cli/' },
      to: { path: `${PLANES}main\\.ts$` },
    },
    {
      name: 'nobody imports tests',
      comment: 'What runs the tests may start what they share.',
      severity: 'error',
      from: { pathNot: '^(test|\\.build)/' },
      to: { path: '^test/' },
    },
    {
      name: 'no development dependency at run time',
      comment: 'Who installs the package has only its dependencies.',
      severity: 'error',
      from: { path: OURS },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/@types/',
      },
    },
    { name: 'everything resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
      exportsFields: ['exports'],
    },
    cache: false,
  },
};
