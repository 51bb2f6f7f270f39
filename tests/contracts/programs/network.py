"""A private network for models: no way out but endpoints of AWS's services, and groups whose rules are resources of their own."""

import pulumi_aws as aws
from told import later, name

zones = aws.get_availability_zones(state="available").names
region = aws.get_region().region
vpc = aws.ec2.Vpc("ml", cidr_block="10.20.0.0/16", enable_dns_hostnames=True, tags={"Name": name})
table = aws.ec2.RouteTable("private", vpc_id=vpc.id)
subnets = []
for number, zone in enumerate(zones[:2]):
    subnet = aws.ec2.Subnet(
        f"private-{number}", vpc_id=vpc.id, cidr_block=f"10.20.{number}.0/24", availability_zone=zone
    )
    aws.ec2.RouteTableAssociation(f"private-{number}", subnet_id=subnet.id, route_table_id=table.id)
    subnets.append(subnet.id)
models = aws.ec2.SecurityGroup("models", vpc_id=vpc.id, description="Containers of models")
services = aws.ec2.SecurityGroup("services", vpc_id=vpc.id, description="Endpoints of services")
https = {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}
aws.vpc.SecurityGroupIngressRule(
    "from-models", security_group_id=services.id, referenced_security_group_id=models.id, **https
)
aws.vpc.SecurityGroupEgressRule(
    "to-services", security_group_id=models.id, referenced_security_group_id=services.id, **https
)
if later:
    aws.vpc.SecurityGroupIngressRule("from-office", security_group_id=services.id, cidr_ipv4="192.168.0.0/16", **https)
own_data = aws.iam.get_policy_document(
    statements=[
        {
            "actions": ["s3:GetObject", "s3:PutObject"],
            "resources": [f"arn:aws:s3:::{name}*/*"],
            "principals": [{"type": "*", "identifiers": ["*"]}],
        }
    ]
)
s3 = aws.ec2.VpcEndpoint(
    "s3", vpc_id=vpc.id, service_name=f"com.amazonaws.{region}.s3", route_table_ids=[table.id], policy=own_data.json
)
for service in ("sagemaker.runtime", "logs"):
    aws.ec2.VpcEndpoint(
        service, vpc_id=vpc.id, service_name=f"com.amazonaws.{region}.{service}", vpc_endpoint_type="Interface",
        private_dns_enabled=True, subnet_ids=subnets, security_group_ids=[services.id],
    )  # fmt: skip
public = aws.ec2.Subnet("public", vpc_id=vpc.id, cidr_block="10.20.100.0/24", map_public_ip_on_launch=True)
gateway = aws.ec2.InternetGateway("out", vpc_id=vpc.id)
outside = aws.ec2.RouteTable("public", vpc_id=vpc.id, routes=[{"cidr_block": "0.0.0.0/0", "gateway_id": gateway.id}])
aws.ec2.RouteTableAssociation("public", subnet_id=public.id, route_table_id=outside.id)
outputs = {"vpc": vpc.id, "subnets": subnets, "group": models.id}
