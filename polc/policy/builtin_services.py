"""Services that every policy knows, as service definitions.

Ports are those of the IANA Service Name and Transport Protocol Port Number Registry, for the protocols that
the service really uses today (the registry lists nearly all for TCP and UDP alike); where the registry says
something else, or nothing, the line says who does. None carries a helper: to attach one is a decision.
"""

from __future__ import annotations

BUILTIN_SERVICES: dict[str, str] = {
    # Whole protocols: any port, any type.
    "tcp": "proto tcp",
    "udp": "proto udp",
    "sctp": "proto sctp",
    "dccp": "proto dccp",
    "udplite": "proto udplite",
    "icmp": "proto icmp",
    "icmpv6": "proto icmpv6",
    # RFC 792, RFC 4443
    "ping": "icmp/echo-request, icmpv6/echo-request",
    # Remote access
    "ssh": "tcp/22",
    "telnet": "tcp/23",
    "rdp": "tcp/3389, udp/3389",
    "vnc": "tcp/5900",
    "mosh": "udp/60000-61000",  # mosh(1)
    # Names, time, addresses
    "dns": "udp/53, tcp/53",
    "dns-over-tls": "tcp/853",
    "dns-over-quic": "udp/853",
    "mdns": "udp/5353",
    "llmnr": "udp/5355, tcp/5355",
    "ntp": "udp/123",
    "ptp": "udp/319-320",
    "dhcp": "udp/67",  # to a server; RFC 2131
    "dhcp-client": "udp/68",  # to a client; RFC 2131
    "dhcpv6": "udp/547",  # to a server; RFC 8415
    "dhcpv6-client": "udp/546",  # to a client; RFC 8415
    # Web
    "http": "tcp/80",
    "https": "tcp/443",
    "http3": "udp/443",  # RFC 9114
    # Mail
    "smtp": "tcp/25",
    "submission": "tcp/587",
    "submissions": "tcp/465",
    "imap": "tcp/143",
    "imaps": "tcp/993",
    "pop3": "tcp/110",
    "pop3s": "tcp/995",
    "sieve": "tcp/4190",
    # Files
    "ftp": "tcp/21",
    "ftps": "tcp/990",
    "tftp": "udp/69",
    "rsync": "tcp/873",
    "nfs": "tcp/2049",
    "smb": "tcp/445",
    "netbios": "udp/137-138, tcp/139",
    "git": "tcp/9418",
    "iscsi": "tcp/3260",
    # Directories and authentication
    "ldap": "tcp/389",
    "ldaps": "tcp/636",
    "kerberos": "udp/88, tcp/88",
    "kpasswd": "udp/464, tcp/464",
    "radius": "udp/1812-1813",
    "tacacs": "tcp/49",
    "ident": "tcp/113",
    # Management and logs
    "snmp": "udp/161",
    "snmp-trap": "udp/162",
    "syslog": "udp/514",
    "syslog-tls": "tcp/6514",
    "netconf": "tcp/830",
    "ipp": "tcp/631",
    "rpcbind": "tcp/111, udp/111",
    "prometheus": "tcp/9090",  # prometheus.io default port allocations
    "node-exporter": "tcp/9100",  # prometheus.io default port allocations
    "zabbix-agent": "tcp/10050",
    "zabbix-server": "tcp/10051",
    # Databases and messages
    "mysql": "tcp/3306",
    "postgresql": "tcp/5432",
    "mssql": "tcp/1433",
    "oracle": "tcp/1521",
    "mongodb": "tcp/27017",  # mongodb.com manual, Default MongoDB Port
    "redis": "tcp/6379",
    "memcached": "tcp/11211",
    "elasticsearch": "tcp/9200",
    "amqp": "tcp/5672",
    "amqps": "tcp/5671",
    "mqtt": "tcp/1883",
    "mqtts": "tcp/8883",
    "xmpp-client": "tcp/5222",
    "xmpp-server": "tcp/5269",
    # Voice
    "sip": "udp/5060, tcp/5060",
    "sips": "tcp/5061",
    "stun": "udp/3478, tcp/3478",
    # Tunnels
    "wireguard": "udp/51820",  # wireguard.com, Quick Start
    "openvpn": "udp/1194, tcp/1194",
    "ike": "udp/500",
    "ipsec": "udp/500,4500, proto esp, proto ah",  # RFC 7296, RFC 3948, RFC 4303, RFC 4302
    "l2tp": "udp/1701",
    "pptp": "tcp/1723, proto gre",  # RFC 2637
    "vxlan": "udp/4789",
    "geneve": "udp/6081",
    # Routing
    "bgp": "tcp/179",
    "bfd": "udp/3784",
    "ospf": "proto ospf",
    "vrrp": "proto vrrp",
    "rip": "udp/520",
    "ripng": "udp/521",
    # Cluster
    "kubernetes-api": "tcp/6443",  # kubernetes.io, Ports and Protocols
    "etcd": "tcp/2379-2380",
}
