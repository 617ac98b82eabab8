# One line per path: mode, owner, kind.
xargs -d '\n' stat -c '%a %U:%G %F %n' <paths
