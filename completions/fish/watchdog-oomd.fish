# Completion of watchdog-oomd for fish.
complete -c watchdog-oomd -f
complete -c watchdog-oomd -l policies -xa '(__fish_complete_directories)' -d 'A directory of policy files, repeatable'
complete -c watchdog-oomd -l config -rF -d 'The configuration of the daemon itself'
complete -c watchdog-oomd -l state -xa '(__fish_complete_directories)' -d 'What must survive a restart'
complete -c watchdog-oomd -l log -xa '(__fish_complete_directories)' -d 'The audit journal'
complete -c watchdog-oomd -l runtime -xa '(__fish_complete_directories)' -d 'Lock and status'
complete -c watchdog-oomd -l observe -d 'Decide and journal everything, do nothing'
complete -c watchdog-oomd -l proc -xa '(__fish_complete_directories)' -d 'Read the host from this directory instead of /proc'
complete -c watchdog-oomd -l version -d 'Print the version and exit'
complete -c watchdog-oomd -s h -l help -d 'Print a summary and exit'
